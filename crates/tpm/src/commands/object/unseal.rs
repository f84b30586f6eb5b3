//! `TPM2_Unseal` (Part 3, 12.7).

use ironroot_wire::{TpmRc, TpmaObject, TpmuSensitiveComposite, Unseal, UnsealResponse};

use crate::{commands::Action, core_state::Core};

/// What a key has and sealed data has not.
const OF_KEYS: TpmaObject = TpmaObject::RESTRICTED.with(TpmaObject::DECRYPT).with(TpmaObject::SIGN_ENCRYPT);

impl Action for Unseal {
    fn run(self, tpm: &mut Core) -> Result<UnsealResponse, TpmRc> {
        let item = tpm.object(self.item_handle).map_err(|rc| rc.handle(1))?;
        let TpmuSensitiveComposite::Bits(data) = &item.sensitive()?.sensitive else {
            return Err(TpmRc::TYPE.handle(1));
        };
        if item.attributes().intersects(OF_KEYS) {
            return Err(TpmRc::ATTRIBUTES.handle(1));
        }
        Ok(UnsealResponse { out_data: data.clone() })
    }
}
