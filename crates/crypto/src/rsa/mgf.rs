//! MGF1, the mask generation function of OAEP and PSS (RFC 8017, B.2.1).

use ironroot_wire::TpmiAlgHash;
use zeroize::Zeroizing;

use crate::hash;

/// XORs `target` with the mask that MGF1 makes from `seed`.
pub fn mask(hash: TpmiAlgHash, seed: &[u8], target: &mut [u8]) {
    for (counter, block) in (0_u32..).zip(target.chunks_mut(hash.digest_size())) {
        let pad = Zeroizing::new(hash::digest(hash, &[seed, &counter.to_be_bytes()]));
        for (to, from) in block.iter_mut().zip(pad.iter()) {
            *to ^= *from;
        }
    }
}
