//! `TPM2_AC_Send` (Part 3, 32.3).

use ironroot_platform::SentObject;
use ironroot_wire::{
    AcSend, AcSendResponse, TpmAt, TpmHandle, TpmRc, TpmaObject, TpmiRhAc, TpmiRhNvAuth, TpmsAcOutput, Wire,
};
use zeroize::Zeroizing;

use super::component;
use crate::{commands::Action, core_state::Core, rules::nv_access};

/// The first NV index that is the alias of a component (`NV_AC_FIRST`).
const NV_AC_FIRST: u32 = 0x01D0_0000;

impl Action for AcSend {
    fn run(self, tpm: &mut Core) -> Result<AcSendResponse, TpmRc> {
        let object = tpm.object(self.send_object).map_err(|rc| rc.handle(1))?;
        let bound = TpmaObject::FIXED_TPM | TpmaObject::FIXED_PARENT | TpmaObject::ENCRYPTED_DUPLICATION;
        if object.public.object_attributes.intersects(bound) {
            return Err(TpmRc::ATTRIBUTES.handle(1));
        }
        check_authorization(tpm, self.auth_handle, self.ac)?;
        let sensitive = object.sensitive.as_ref().ok_or(TpmRc::AUTH_UNAVAILABLE)?;
        let (public, sensitive) = (object.public.to_bytes(), Zeroizing::new(sensitive.to_bytes()));
        let sent = SentObject { public: &public, sensitive: &sensitive, data: &self.ac_data_in };
        let answer = component(tpm, self.ac).ok_or(TpmRc::VALUE.handle(3))?.receive(&sent);
        Ok(AcSendResponse { ac_data_out: TpmsAcOutput { tag: TpmAt(answer.tag), data: answer.data } })
    }
}

/// Who may send to a component: owner and platform, or whoever may write the NV index that is its alias.
fn check_authorization(tpm: &Core, auth: TpmiRhNvAuth, component: TpmiRhAc) -> Result<(), TpmRc> {
    let alias = NV_AC_FIRST | (component.0 & 0xFFFF);
    match tpm.nv.index(TpmHandle(alias)) {
        Some(alias) => nv_access::check_alias(auth, alias),
        None if matches!(TpmHandle::from(auth), TpmHandle::OWNER | TpmHandle::PLATFORM) => Ok(()),
        None => Err(TpmRc::HANDLE.handle(2)),
    }
}
