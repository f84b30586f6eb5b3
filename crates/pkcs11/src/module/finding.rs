//! Objects: finding them, their attributes, making and removing named keys.

use cryptoki_sys::*;

use super::Module;
use crate::{
    attributes::{self, Attribute, Known},
    error::{Result, Rv, refuse},
    generate,
    mechanisms::Request,
    objects::{Key, Object},
    public::PublicKey,
};

impl Module {
    pub(crate) fn find_init(&mut self, session: CK_SESSION_HANDLE, template: &[Attribute]) -> Result<()> {
        if self.session(session)?.found.is_some() {
            return Err(Rv(CKR_OPERATION_ACTIVE));
        }
        self.objects.refresh(&self.config, &mut self.token)?;
        let closed = self.is_closed();
        let candidates: Vec<(CK_OBJECT_HANDLE, Object)> = self
            .objects
            .all()
            .filter(|(_, object)| !(closed && object.class() == CKO_PRIVATE_KEY))
            .filter(|(_, object)| self.may_match(object, template))
            .map(|(handle, object)| (handle, object.clone()))
            .collect();
        let found =
            candidates.into_iter().filter(|(_, object)| self.matches(object, template)).map(|(handle, _)| handle);
        let found = found.collect();
        self.session(session)?.found = Some(found);
        Ok(())
    }

    /// Whether all that is known without the TPM is as the template says.
    fn may_match(&self, object: &Object, template: &[Attribute]) -> bool {
        template.iter().all(|(kind, value)| match attributes::of(object, self.needs_login(), *kind) {
            Ok(Known::Value(own)) => own == *value,
            Ok(Known::InPublicKey) => true,
            Err(_) => false,
        })
    }

    /// Whether the values of the public key are as the template says, if it says any.
    fn matches(&mut self, object: &Object, template: &[Attribute]) -> bool {
        template.iter().all(|(kind, value)| match (attributes::of(object, false, *kind), object.key()) {
            (Ok(Known::InPublicKey), Some(key)) => self
                .public(key)
                .and_then(|public| attributes::in_public_key(&public, *kind))
                .is_ok_and(|own| own == *value),
            _ => true,
        })
    }

    pub(crate) fn find(&mut self, session: CK_SESSION_HANDLE, most: usize) -> Result<Vec<CK_OBJECT_HANDLE>> {
        let found = self.session(session)?.found.as_mut().ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))?;
        let most = most.min(found.len());
        Ok(found.drain(..most).collect())
    }

    pub(crate) fn find_final(&mut self, session: CK_SESSION_HANDLE) -> Result<()> {
        self.session(session)?.found.take().map(|_| ()).ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))
    }

    fn object(&self, handle: CK_OBJECT_HANDLE) -> Result<&Object> {
        let object = self.objects.get(handle).ok_or(Rv(CKR_OBJECT_HANDLE_INVALID))?;
        if self.is_closed() && object.class() == CKO_PRIVATE_KEY {
            return Err(Rv(CKR_OBJECT_HANDLE_INVALID));
        }
        Ok(object)
    }

    /// Whether there is such an object.
    pub(crate) fn has_object(&mut self, session: CK_SESSION_HANDLE, handle: CK_OBJECT_HANDLE) -> Result<()> {
        self.session(session)?;
        self.object(handle).map(|_| ())
    }

    /// The value of one attribute.
    pub(crate) fn attribute(&mut self, handle: CK_OBJECT_HANDLE, kind: CK_ATTRIBUTE_TYPE) -> Result<Vec<u8>> {
        let object = self.object(handle)?;
        match (attributes::of(object, self.needs_login(), kind)?, object.key().cloned()) {
            (Known::Value(value), _) => Ok(value),
            (Known::InPublicKey, Some(key)) => attributes::in_public_key(&self.public(&key)?, kind),
            (Known::InPublicKey, None) => Err(Rv(CKR_ATTRIBUTE_TYPE_INVALID)),
        }
    }

    /// The public key: known, or asked from the TPM.
    pub(super) fn public(&mut self, key: &Key) -> Result<PublicKey> {
        if let Some(public) = self.objects.public(&key.fingerprint) {
            return Ok(public.clone());
        }
        let public =
            PublicKey::from_spki(&self.token.public(&self.config, &key.reference)?.0).ok_or(Rv(CKR_FUNCTION_FAILED))?;
        self.objects.learn(public.clone());
        Ok(public)
    }

    /// Makes a named key; the handles of its public and its private half.
    pub(crate) fn generate(
        &mut self,
        session: CK_SESSION_HANDLE,
        request: &Request,
        public: &[Attribute],
        private: &[Attribute],
    ) -> Result<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
        let writes = self.session(session)?.read_write;
        let wanted = generate::wanted(request, public, private)?;
        if !writes {
            return Err(Rv(CKR_SESSION_READ_ONLY));
        }
        if self.is_closed() {
            return Err(Rv(CKR_USER_NOT_LOGGED_IN));
        }
        generate::create(&mut self.token, &self.config, &wanted)?;
        self.objects.refresh(&self.config, &mut self.token)?;
        let handle = |class| self.objects.handle_of(class, &wanted.name).ok_or(Rv(CKR_FUNCTION_FAILED));
        Ok((handle(CKO_PUBLIC_KEY)?, handle(CKO_PRIVATE_KEY)?))
    }

    /// Takes a named key off the list.
    pub(crate) fn destroy(&mut self, session: CK_SESSION_HANDLE, handle: CK_OBJECT_HANDLE) -> Result<()> {
        let writes = self.session(session)?.read_write;
        let key = match self.object(handle)? {
            Object::Private(key) => key.clone(),
            Object::Public(_) => {
                return refuse(CKR_ACTION_PROHIBITED, "the public key goes with the private one: destroy that");
            }
            Object::Certificate(_) => {
                let text = format!("certificates are files in {}: remove it there", self.config.certificates.display());
                return refuse(CKR_ACTION_PROHIBITED, text);
            }
        };
        if !writes {
            return Err(Rv(CKR_SESSION_READ_ONLY));
        }
        generate::remove(&mut self.token, &self.config, &key)?;
        self.objects.refresh(&self.config, &mut self.token)?;
        Ok(())
    }

    /// Why nothing can be brought in.
    pub(crate) fn create_object(&mut self, session: CK_SESSION_HANDLE, template: &[Attribute]) -> Result<()> {
        self.session(session)?;
        let class =
            template.iter().find(|(kind, _)| *kind == CKA_CLASS).and_then(|(_, value)| attributes::to_number(value));
        let text = match class {
            None => return Err(Rv(CKR_TEMPLATE_INCOMPLETE)),
            Some(CKO_CERTIFICATE) => {
                format!("put the certificate as a file into {}", self.config.certificates.display())
            }
            Some(_) => {
                "named keys are made by the TPM, not brought in: C_GenerateKeyPair, or ironroot key create".into()
            }
        };
        refuse(CKR_ACTION_PROHIBITED, text)
    }
}
