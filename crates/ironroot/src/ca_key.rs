//! Opening the key of a certificate authority: from a token, a TPM or a file.

use std::{fs, path::Path, sync::Arc};

use ironroot_keys::{KeyReference, TpmKey};
use ironroot_provision::authority::{CertificateSigner, FileKey, Pkcs11Key, TpmSigner, pin_of};

use crate::{
    auth_source::AuthSource,
    cli::{
        ca_key::{CaKeyArguments, CaKeyReference},
        keys::TpmAccess,
    },
    failure::{Failure, Result},
    plant::shared_provider,
};

impl CaKeyArguments {
    /// The keys, in the order of the command line.
    ///
    /// # Errors
    /// Which key cannot be opened, and why.
    pub fn open(&self, tpm: &TpmAccess) -> Result<Vec<Arc<dyn CertificateSigner>>> {
        self.ca_keys.iter().map(|reference| self.open_one(reference, tpm)).collect()
    }

    fn open_one(&self, reference: &CaKeyReference, tpm: &TpmAccess) -> Result<Arc<dyn CertificateSigner>> {
        let pin = self.ca_pin.as_ref().map(AuthSource::load).transpose()?;
        let pin = pin.as_ref().map(|pin| pin.as_slice());
        match reference {
            CaKeyReference::Pkcs11(uri) => {
                let mut uri = (**uri).clone();
                uri.module = uri.module.or_else(|| self.pkcs11_module.clone());
                let from_file = if pin.is_none() { pin_of(&uri)? } else { None };
                let pin = pin.or(from_file.as_ref().map(|pin| pin.as_slice()));
                Ok(Arc::new(Pkcs11Key::open(uri, pin)?))
            }
            CaKeyReference::File(path) if is_of_a_tpm(path) => in_tpm(&KeyReference::File(path.clone()), tpm, pin),
            CaKeyReference::File(path) => {
                if pin.is_none() {
                    tracing::warn!(
                        "{}: the CA key is in this file in plain text, if no passphrase is given",
                        path.display()
                    );
                }
                Ok(Arc::new(FileKey::open_or_create(path, pin, shared_provider())?))
            }
            CaKeyReference::Tpm(reference) => in_tpm(reference, tpm, pin),
        }
    }
}

fn in_tpm(reference: &KeyReference, tpm: &TpmAccess, auth: Option<&[u8]>) -> Result<Arc<dyn CertificateSigner>> {
    let key: TpmKey = reference.open::<_, Failure>(&tpm.connect()?, || tpm.list(), None, auth)?;
    Ok(Arc::new(TpmSigner::new(key, &reference.to_string())?))
}

/// Whether the file says of itself that it holds a key of a TPM. What cannot be read is looked at again, with an error, by whoever
/// opens it.
fn is_of_a_tpm(path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("BEGIN TSS2 PRIVATE KEY-----"))
}
