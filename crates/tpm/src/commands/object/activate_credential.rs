//! `TPM2_ActivateCredential` (Part 3, 12.5).

use ironroot_wire::{ActivateCredential, ActivateCredentialResponse, CertInfo, Reader, Rules, TpmRc, Wire};

use super::make_credential::takes_credentials;
use crate::{
    commands::Action,
    core_state::Core,
    rules::{
        private_area,
        secret_sharing::{self, Label},
    },
};

impl Action for ActivateCredential {
    fn run(self, tpm: &mut Core) -> Result<ActivateCredentialResponse, TpmRc> {
        let activated = tpm.object(self.activate_handle).map_err(|rc| rc.handle(1))?;
        let key = tpm.object(self.key_handle).map_err(|rc| rc.handle(2))?;
        activated.sensitive()?;
        key.sensitive()?;
        if !takes_credentials(&key) {
            return Err(TpmRc::TYPE.handle(2));
        }
        let seed = secret_sharing::decrypt(tpm, &key, Label::Identity, &self.secret).map_err(|rc| match rc {
            TpmRc::KEY => TpmRc::FAILURE,
            other => other.parameter(2),
        })?;
        let opened = private_area::sent_to(&key, &seed, &activated.name)
            .and_then(|protection| protection.unwrap(false, &self.credential_blob))
            .map_err(|rc| rc.parameter(1))?;
        let mut reader = Reader::new(&opened, &Rules::ALL);
        let cert_info = CertInfo::unmarshal(&mut reader).map_err(|rc| rc.parameter(1))?;
        if reader.is_empty() { Ok(ActivateCredentialResponse { cert_info }) } else { Err(TpmRc::SIZE.parameter(1)) }
    }
}
