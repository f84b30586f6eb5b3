//! ML-KEM and ML-DSA. The whole key is made from a marked seed, so what is public of it carries the mark, too.

use ironroot_crypto::Provider;
use ironroot_wire::{TpmiMldsaParms, TpmiMlkemParms};

use super::List;
use crate::{Numbers, Secrets, memcheck};

pub(super) fn list(all: &mut List, name: &str, provider: &'static dyn Provider) {
    for &set in TpmiMlkemParms::EVERY {
        for valid in [true, false] {
            let what = if valid { "decapsulate" } else { "reject" };
            all.add(format!("{name}/{set:?}/{what}"), move || {
                let seed = Numbers::new("mlkem").bytes(64);
                let public = provider.ml_kem_load(set, &seed).expect("the size").public().to_vec();
                let (secret, mut sent) = provider.ml_kem_encapsulate(set, &public, &[3; 32]).expect("a key");
                if !valid {
                    sent[5] ^= 1;
                }
                memcheck::secret(&seed);
                let key = provider.ml_kem_load(set, &seed).expect("the size");
                let shared = key.decapsulate(&sent).expect("the size");
                memcheck::public(&shared);
                assert_eq!(*shared == *secret, valid);
            });
        }
    }
    for &set in TpmiMldsaParms::EVERY {
        all.add(format!("{name}/{set:?}/sign"), move || {
            let seed = Numbers::new("mldsa").bytes(32);
            memcheck::secret(&seed);
            let key = provider.ml_dsa_load(set, &seed).expect("the size");
            memcheck::public(&key.sign_mu(&[3; 64], &mut Secrets::new()).expect("a signature"));
        });
    }
}
