//! A TPM in this process, from a product secret and a device value: for start-up code, before anything else uses keys.
//!
//! Three steps, each of which takes the one before it, so that they have one order: [`Product`], [`Device`], and the TPM
//! ([`Device::enroll`] for a new device, [`Device::open`] for one that was there before). The four rules behind it are said in
//! `ironroot_anchor::init`: the product first; a device value that is there and strong enough; no key before the end; and never another
//! identity by surprise.
//!
//! ```no_run
//! use ironroot_application::startup::{Grade, Product};
//! use std::path::Path;
//!
//! # let (mut secret, fuses) = ([1; 32], [2; 16]);
//! let device = Product::from_secret(&mut secret)?.device_value(&fuses, Grade::Fused)?;
//! let tpm = device.open_or_enroll(Path::new("/var/lib/example/tpm"))?;
//! let key = tpm.create_key("cloud", None)?;
//! # Ok::<(), ironroot_application::Error>(())
//! ```
//!
//! It is the same TPM that the daemon runs: the same secret, value and name give the same key in either, and a folder that was made from a
//! *source* ([`Product::device_source`]) can be served by `ironroot tpm`. One process at a time has a folder open.

use std::path::Path;

use ironroot_anchor::{
    DeriveError, MeasuredFirmware, ProductSecret,
    init::{InitError, Measured, Start},
    machine::{self, Machine, Source},
    product_file,
};
use ironroot_client::{ClientError, Tpm, Transport, wire::TpmSu};
use ironroot_crypto_host::HOST;
use ironroot_keys::{GLOBAL_BASE_SIZE, KeyError};
use ironroot_platform::{
    Clock as _, DeviceSecretError, DeviceValue, StorageError,
    host::{OsEntropy, SystemClock},
};
use ironroot_store::{Access, FileStore, Options};
use ironroot_tpm::{FIRMWARE_SVN, FIRMWARE_VERSION, OpenError, Profile, Seeds};
use zeroize::Zeroizing;

pub use ironroot_platform::CopyResistance as Grade;

use crate::{Application, Error, ErrorKind, Result};

/// Step one: the product is known.
pub struct Product(Start);

/// Step two: the device is known, and it is not yet known whether it is the same one as ever.
pub struct Device {
    measured: Measured,
    source: Option<Source>,
}

impl Product {
    /// The product's secret, 32 bytes, whose memory is wiped.
    ///
    /// # Errors
    /// Kind `Argument` for another length, `Initialization` for a secret that was never set.
    pub fn from_secret(secret: &mut [u8]) -> Result<Self> {
        let length = secret.len();
        let secret = <&mut [u8; ProductSecret::SIZE]>::try_from(secret).map_err(|_| {
            Error::argument(format!("a product secret has {} bytes, not {length}", ProductSecret::SIZE))
        })?;
        Ok(Self(Start::new(ProductSecret::take(secret).into())?))
    }

    /// The product's secret, or its white-box tables, from a file.
    ///
    /// # Errors
    /// Kind `Initialization` with the file and the reason.
    pub fn from_file(path: &Path) -> Result<Self> {
        let (product, _) = product_file::load_product(path).map_err(failed)?;
        Ok(Self(Start::new(product)?))
    }

    /// A device value that the caller has read, and how hard the caller knows it to be to copy.
    ///
    /// # Errors
    /// Kind `Initialization` for a value that is empty or was never set.
    pub fn device_value(self, value: &[u8], grade: Grade) -> Result<Device> {
        if let [first, rest @ ..] = value
            && rest.iter().all(|byte| byte == first)
        {
            return Err(Error::new(
                ErrorKind::Initialization,
                format!("the device value was never set: all its {} bytes are {first:#04x}", value.len()),
            ));
        }
        let value = DeviceValue {
            value: Zeroizing::new(value.to_vec()),
            source: "the start-up code".into(),
            resistance: grade,
        };
        Ok(Device { measured: self.0.value(&value, grade)?, source: None })
    }

    /// A device value of this machine from a source that is named (`soc-serial`, `nvmem:PATH`, `file:PATH`, … as in
    /// docs/derivations.md), which has to be at least so hard to copy.
    ///
    /// # Errors
    /// Kind `Argument` for a name that no source has, `Initialization` for a value that is missing or too weak.
    pub fn device_source(self, source: &str, at_least: Grade) -> Result<Device> {
        let source: Source = source.parse().map_err(|error| Error::argument(format!("{error}")))?;
        let device = Machine::this().device(source.clone());
        Ok(Device { measured: self.0.device(&device, at_least)?, source: Some(source) })
    }
}

impl Device {
    /// A **new** device: its TPM is manufactured in this folder, which must not have one.
    ///
    /// # Errors
    /// Kind `Initialization` if there is one, or there was one of another device or product; `File` if it cannot be written.
    pub fn enroll(self, folder: &Path) -> Result<Application> {
        let made = self.manufacture(folder);
        wipe_stack();
        started(made?, folder)
    }

    /// A device that was there before: its TPM is opened, and has to be this product's and this device's.
    ///
    /// # Errors
    /// Kind `Initialization` if there is none, or it is of another device or product; `File` if it cannot be read.
    pub fn open(self, folder: &Path) -> Result<Application> {
        let opened = self.unseal(folder);
        wipe_stack();
        started(opened?, folder)
    }

    /// [`Device::open`] if there is a TPM in the folder, else [`Device::enroll`].
    ///
    /// # Errors
    /// As both.
    pub fn open_or_enroll(self, folder: &Path) -> Result<Application> {
        if is_there(folder) { self.open(folder) } else { self.enroll(folder) }
    }

    #[inline(never)]
    fn manufacture(self, folder: &Path) -> Result<Inside> {
        if is_there(folder) {
            return Err(Error::new(
                ErrorKind::Initialization,
                format!("{}: there is a TPM already: open it, or use an empty folder", folder.display()),
            ));
        }
        create_folder(folder)?;
        let masters = match machine::binding(folder)? {
            // The state was lost: it has to be the same device again, or it is another folder's affair.
            Some(binding) => self.measured.open(&binding)?.into_masters(),
            None => {
                let (ready, binding) = self.measured.enroll();
                machine::bind(folder, &binding)?;
                ready.into_masters()
            }
        };
        if let Some(source) = &self.source {
            machine::record(folder, source)?;
        }
        let secrets = Secrets::of(masters)?;
        let store = FileStore::create(folder, Access::new(&secrets.state_key), Options::default())?;
        let tpm =
            ironroot_tpm::Tpm::manufacture(Box::new(store), Box::new(OsEntropy), &HOST, Profile::HOST, secrets.seeds)
                .map_err(|error| unusable(folder, &error))?;
        Ok(Inside { tpm, firmware: secrets.firmware, base: secrets.base })
    }

    #[inline(never)]
    fn unseal(self, folder: &Path) -> Result<Inside> {
        if !is_there(folder) {
            return Err(Error::new(
                ErrorKind::Initialization,
                format!(
                    "{}: there is no TPM: is this the right folder, or is the device new (enroll)?",
                    folder.display()
                ),
            ));
        }
        if let Some(source) = &self.source {
            // Another source than then is an error with both names.
            machine::record(folder, source)?;
        }
        let masters = match machine::binding(folder)? {
            Some(binding) => self.measured.open(&binding)?.into_masters(),
            // Of an older release: the sealed state itself tells whether it is the same device.
            None => self.measured.enroll().0.into_masters(),
        };
        let secrets = Secrets::of(masters)?;
        let store = FileStore::open(folder, Access::new(&secrets.state_key), Options::default())?;
        let tpm = ironroot_tpm::Tpm::open(Box::new(store), Box::new(OsEntropy), &HOST, None, secrets.seeds)
            .map_err(|error| unusable(folder, &error))?;
        Ok(Inside { tpm, firmware: secrets.firmware, base: secrets.base })
    }
}

/// What comes from the master keys (docs/derivations.md).
struct Secrets {
    seeds: Seeds,
    state_key: Zeroizing<[u8; 32]>,
    base: Zeroizing<[u8; GLOBAL_BASE_SIZE]>,
    firmware: MeasuredFirmware,
}

impl Secrets {
    fn of((global, device): (ironroot_anchor::GlobalMaster, ironroot_anchor::DeviceMaster)) -> Result<Self> {
        let failed = |error: DeriveError| Error::from(InitError::from(error));
        let owner = device.owner_seed().map_err(failed)?;
        let endorsement = device.endorsement_seed().map_err(failed)?;
        let platform = device.platform_seed().map_err(failed)?;
        Ok(Self {
            seeds: Seeds { owner, endorsement, platform },
            state_key: device.state_key().map_err(failed)?,
            base: global.secrets_base().map_err(failed)?,
            // Nobody below it measures this program, so the TPM's version stands for its image, as in the daemon.
            firmware: MeasuredFirmware::new(&device, &FIRMWARE_VERSION.to_be_bytes(), FIRMWARE_SVN)
                .map_err(|error| Error::from(InitError::from(error)))?,
        })
    }
}

/// A TPM that is not powered yet.
struct Inside {
    tpm: ironroot_tpm::Tpm,
    firmware: MeasuredFirmware,
    base: Zeroizing<[u8; GLOBAL_BASE_SIZE]>,
}

/// Powers it on and starts it up. One that has not got its product's base of global secrets gets it.
fn started(inside: Inside, folder: &Path) -> Result<Application> {
    let Inside { mut tpm, firmware, base } = inside;
    tpm.set_firmware(Box::new(firmware));
    let mut running = Running { tpm, clock: SystemClock::new() };
    running.tpm.power_on(running.clock.now());
    let mut tpm = Tpm::new(running);
    tpm.startup(TpmSu::Clear)?;
    let application = Application::over(tpm, Some(folder.join("keys.json")));
    // Asked for rather than remembered: the power may have gone before it was there.
    if let Err(KeyError::NoGlobalBase) = application.named().global_secret("is it there", 1) {
        application.named().provision_global(&base, true)?;
    }
    Ok(application)
}

/// A TPM in this process, which is shut down in order when the last handle to it goes.
struct Running {
    tpm: ironroot_tpm::Tpm,
    clock: SystemClock,
}

impl Transport for Running {
    fn transmit(&mut self, command: &[u8]) -> std::result::Result<Vec<u8>, ClientError> {
        Ok(self.tpm.execute(0, self.clock.now(), command))
    }

    fn endpoint(&self) -> String {
        "the TPM in this process".into()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // TPM2_Shutdown(CLEAR); a TPM in failure mode refuses, and nobody is left to be told.
        let _ = self.tpm.execute(0, self.clock.now(), b"\x80\x01\0\0\0\x0c\0\0\x01\x45\0\0");
        self.tpm.power_off(self.clock.now());
    }
}

fn is_there(folder: &Path) -> bool {
    folder.join("state").exists()
}

fn create_folder(folder: &Path) -> Result {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| {
        Error::new(ErrorKind::File, format!("cannot make the folder {}: {error}; choose another one", folder.display()))
    })
}

/// Wipes what deriving keys left on this thread's stack, in frames of functions that have returned.
#[inline(never)]
fn wipe_stack() {
    let mut used = [0_u8; 128 << 10];
    std::hint::black_box(&mut used);
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Initialization, error.to_string())
}

fn unusable(folder: &Path, error: &OpenError) -> Error {
    failed(format!("{}: {error}", folder.display()))
}

impl From<InitError> for Error {
    fn from(error: InitError) -> Self {
        failed(error)
    }
}

impl From<DeviceSecretError> for Error {
    fn from(error: DeviceSecretError) -> Self {
        failed(error)
    }
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        Self::new(ErrorKind::File, error.to_string())
    }
}
