//! A device of the simulated factory: a whole TPM in memory, with an endorsement certificate of the factory's CA.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use ironroot_client::{InProcess, Tpm as Client, templates::KeyType};
use ironroot_keys::SharedTpm;
use ironroot_platform::{
    Clock as _, Entropy as _,
    host::{OsEntropy, SystemClock},
    memory::MemoryStorage,
};
use ironroot_provision::{
    agent::tpm::{EndorsementKey, TpmDevice, persistent_identity_key, store_ek_certificate},
    authority::{Authority, Lifetime},
};
use ironroot_tpm::{Profile, SEED_SIZE, Seeds, Tpm};
use ironroot_wire::{TpmHandle, TpmSu};
use zeroize::Zeroizing;

use crate::{
    crypto::provider,
    failure::{Failure, Result},
    plant,
};

const IDENTITY_KEY: TpmHandle = TpmHandle(0x8100_0100);
const YEAR: u64 = 365 * 86_400;

/// Makes a device: a TPM with fresh seeds, started, with its endorsement certificate and an identity key.
///
/// # Errors
/// The TPM's.
pub fn make(factory: &Authority) -> Result<TpmDevice> {
    let seeds = Seeds { owner: fresh()?, endorsement: fresh()?, platform: fresh()? };
    let tpm = Tpm::manufacture(Box::new(MemoryStorage::new()), Box::new(OsEntropy), provider(), Profile::HOST, seeds)
        .map_err(|error| Failure::during("a TPM cannot be made", error))?;
    let (tpm, clock) = (Arc::new(Mutex::new(tpm)), SystemClock::new());
    let mut client = Client::new(InProcess(move |command: &[u8]| {
        tpm.lock().unwrap_or_else(PoisonError::into_inner).execute(0, clock.now(), command)
    }));
    client.startup(TpmSu::Clear)?;
    let kind = EndorsementKey::P256;
    let ek = client.create_primary(TpmHandle::ENDORSEMENT, &kind.template(), b"")?;
    let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs());
    let serial_key = factory.certificate().der().to_vec();
    let lifetime = Lifetime::starting(now, 20 * YEAR);
    let certificate = factory.issue_ek(&ek.public, &plant::description(), &serial_key, lifetime)?;
    client.flush(ek.handle)?;
    store_ek_certificate(&mut client, kind, &certificate)?;
    let shared = SharedTpm::new(client);
    let key = Arc::new(persistent_identity_key(&shared, IDENTITY_KEY, KeyType::P256)?);
    Ok(TpmDevice::new(&shared, kind, key)?)
}

fn fresh() -> Result<Zeroizing<[u8; SEED_SIZE]>> {
    let mut seed = Zeroizing::new([0; SEED_SIZE]);
    OsEntropy.fill(seed.as_mut_slice()).map_err(|_| Failure::new("the operating system gives no random bytes"))?;
    Ok(seed)
}
