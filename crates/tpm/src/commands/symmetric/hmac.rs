//! `TPM2_HMAC` (Part 3, 15.5).

use ironroot_crypto::hmac;
use ironroot_wire::{Hmac, HmacResponse, Tpm2bDigest, TpmRc, TpmuSensitiveComposite};

use crate::{commands::Action, core_state::Core, rules::schemes};

impl Action for Hmac {
    fn run(self, tpm: &mut Core) -> Result<HmacResponse, TpmRc> {
        let key = tpm.object(self.handle).map_err(|rc| rc.handle(1))?;
        let hash = schemes::hmac_hash(&key, self.hash_alg)?;
        let TpmuSensitiveComposite::Bits(bits) = &key.sensitive()?.sensitive else {
            return Err(TpmRc::TYPE.handle(1));
        };
        let out = hmac::hmac(hash, bits, &[&self.buffer]);
        Ok(HmacResponse { out_hmac: Tpm2bDigest::from_slice(&out)? })
    }
}
