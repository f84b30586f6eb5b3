//! A device: product secret and device value, and the TPM that they make.
//!
//! The TPM's folder holds the sealed state and the name of the device value's source. The product secret, and a device
//! value that had to be made up, stand beside the folder, never in it.

use std::path::{Path, PathBuf};

use ironroot_anchor::{
    DeviceMaster, MeasuredFirmware, Product,
    init::{Binding, Start},
    machine::{self, Machine, Source},
    product_file, words,
};
use ironroot_platform::{CopyResistance, DeviceValue, Storage, host::OsEntropy};
use ironroot_store::{Access, FileStore, MAX_INSTANCE, NewCounter, Options, medium::Medium};
use ironroot_tpm::{FIRMWARE_SVN, FIRMWARE_VERSION, Profile, Seeds, Tpm};
use zeroize::Zeroizing;

use crate::{
    block,
    cli::Sealed,
    counter::{self, Asker, CounterPlace},
    crypto::provider,
    failure::{Failure, Result},
    second_key::KeySource,
};

/// Where a device's parts are.
#[derive(Debug, Clone)]
pub struct Place {
    /// The TPM's folder.
    pub folder: PathBuf,
    /// The block device with the sealed state; it is in the folder if `None`.
    pub device: Option<PathBuf>,
    /// The file with the product secret, or with white-box tables.
    pub product_secret: PathBuf,
    /// The device value's source for a new TPM; the machine's best if `None`.
    pub source: Option<Source>,
    /// The profile of a new TPM; the host's if `None`. One that is there must have this one, if any is given.
    pub profile: Option<Profile>,
    /// What seals the state beside the device value.
    pub key: Option<KeySource>,
    /// What counts for the state.
    pub counter: Option<CounterPlace>,
    /// Who asks it.
    pub asker: Asker,
    /// Which of the device's TPMs it is; empty for the one without a name.
    pub instance: String,
    /// How hard the device value has to be to copy.
    pub at_least: CopyResistance,
}

/// A device value's source, for people.
#[derive(Debug, Clone)]
pub struct Grade {
    /// Where it comes from.
    pub source: String,
    /// How hard it is to copy.
    pub resistance: CopyResistance,
}

impl Grade {
    fn of(value: &DeviceValue) -> Self {
        Self { source: value.source.clone(), resistance: value.resistance }
    }

    /// An honest word on its strength.
    pub const fn words(&self) -> &'static str {
        words(self.resistance)
    }
}

/// A device's secrets, in memory.
pub struct Anchor {
    master: DeviceMaster,
    /// What the device value is worth.
    pub grade: Grade,
}

impl Place {
    /// A TPM in `folder`, with the product secret beside it unless another file is named.
    pub fn new(folder: PathBuf, product_secret: Option<PathBuf>, source: Option<Source>) -> Self {
        let product_secret = product_secret.unwrap_or_else(|| beside(&folder, "product-secret"));
        Self {
            folder,
            device: None,
            product_secret,
            source,
            profile: None,
            key: None,
            counter: None,
            asker: Asker::default(),
            instance: String::new(),
            at_least: CopyResistance::CopiedWithDisk,
        }
    }

    /// With what the command line says of keys, counter and instance.
    ///
    /// # Errors
    /// A name that no instance can have.
    pub fn sealed_as(mut self, sealed: &Sealed) -> Result<Self> {
        if let Some(name) = &sealed.instance
            && (name.is_empty() || name.len() > MAX_INSTANCE || name.chars().any(char::is_control))
        {
            return Err(Failure::new(format!("--instance: a name has 1 to {MAX_INSTANCE} bytes; choose another one")));
        }
        self.key.clone_from(&sealed.key);
        self.counter.clone_from(&sealed.counter);
        self.instance = sealed.instance.clone().unwrap_or_default();
        Ok(self)
    }

    /// What opens the state.
    ///
    /// # Errors
    /// The key cannot be read.
    pub fn access(&self, anchor: &Anchor) -> Result<Access> {
        let access = self.access_of_new(anchor)?.with_counters(counter::connect(self.counter.clone(), self.asker));
        Ok(if self.counter.is_some() { access.only_with_counter() } else { access })
    }

    /// What a new state is sealed under.
    ///
    /// # Errors
    /// The key cannot be read.
    pub fn access_of_new(&self, anchor: &Anchor) -> Result<Access> {
        let second = self.key.as_ref().map(KeySource::load).transpose()?;
        Ok(Access::new(&*anchor.state_key()?).with_second(second).with_instance(&self.instance))
    }

    /// The counter of a new state, if one was named.
    ///
    /// # Errors
    /// It cannot be there.
    pub fn new_counter(&self) -> Result<Option<NewCounter>> {
        self.counter.as_ref().map(|counter| counter.for_new(&self.folder, self.asker)).transpose()
    }

    /// The secrets of a device from a source, and a product secret that is there; with them what says later that it is
    /// the same device.
    ///
    /// # Errors
    /// A file or source, named.
    pub fn initialized(&self, source: &Source) -> Result<(Anchor, Binding)> {
        let product = self.load_secret()?;
        let (value, warning) = machine::value(&Machine::this(), &product, &self.folder, source)?;
        if let Some(warning) = warning {
            tracing::warn!("{warning}");
        }
        let measured = Start::new(product)?.value(&value, self.at_least)?;
        let (ready, binding) = match machine::binding(&self.folder)? {
            Some(binding) => (measured.open(&binding)?, binding),
            // Made before there were bindings, or about to be imported: the state itself tells whether it is the same device.
            None => measured.enroll(),
        };
        Ok((Anchor::with(ready.into_masters().1, &value, &self.instance)?, binding))
    }

    /// Takes the values that a threshold's sources have now over into its helper data. Gives the sources that were changed.
    ///
    /// # Errors
    /// The TPM's source is no threshold, too few of its sources are what they were, or one cannot be read.
    pub fn refresh(&self) -> Result<Vec<String>> {
        let source = machine::recall(&self.folder)?;
        Ok(machine::refresh(&Machine::this(), &self.load_secret()?, &self.folder, &source, &mut OsEntropy)?)
    }

    /// Whether there is a TPM.
    pub fn is_manufactured(&self) -> bool {
        self.folder.join("state").exists() || self.folder.join(machine::RECORD_NAME).exists()
    }

    /// The secrets of a new device: the product secret is made if there is none, the device value is chosen and its
    /// source recorded.
    ///
    /// # Errors
    /// A file or source, named.
    pub fn new_anchor(&self) -> Result<Anchor> {
        create_folder(&self.folder)?;
        let secret = if self.product_secret.exists() {
            self.load_secret()?
        } else {
            product_file::create(&self.product_secret, &mut OsEntropy)?.into()
        };
        let fallback = beside(&self.folder, "device-value");
        let (source, value) = match &self.source {
            Some(source) => {
                let value = machine::enroll(&Machine::this(), &secret, &self.folder, source, &mut OsEntropy)?;
                (source.clone(), value)
            }
            None => machine::choose(&Machine::this(), None, &fallback, &mut OsEntropy)?,
        };
        let (ready, binding) = Start::new(secret)?.value(&value, self.at_least)?.enroll();
        machine::bind(&self.folder, &binding)?;
        machine::record(&self.folder, &source)?;
        Anchor::with(ready.into_masters().1, &value, &self.instance)
    }

    /// The secrets of a device that has been manufactured: the same source as then.
    ///
    /// # Errors
    /// A file or source, named; never another value by surprise.
    pub fn anchor(&self) -> Result<Anchor> {
        let source = machine::recall(&self.folder)?;
        if let Some(wanted) = &self.source
            && *wanted != source
        {
            return Err(Failure::new(format!(
                "{}: this TPM was made with the device value from {source}, not {wanted}; leave the option out, or \
                 manufacture a new TPM in an empty folder",
                self.folder.display()
            )));
        }
        Ok(self.initialized(&source)?.0)
    }

    fn load_secret(&self) -> Result<Product> {
        let (secret, warning) = product_file::load_product(&self.product_secret)?;
        if let Some(warning) = warning {
            tracing::warn!("{warning}");
        }
        Ok(secret)
    }

    /// The TPM, which is manufactured if there is none.
    ///
    /// # Errors
    /// As [`Place::open`] and [`Place::manufacture`].
    pub fn open_or_manufacture(&self, durability: Options) -> Result<(Tpm, Grade)> {
        if self.is_manufactured() { self.open(durability) } else { self.manufacture(durability) }
    }

    /// Manufactures a TPM.
    ///
    /// # Errors
    /// What failed, on which file, and the next step.
    pub fn manufacture(&self, durability: Options) -> Result<(Tpm, Grade)> {
        let made = self.make(durability);
        wipe_stack();
        made
    }

    #[inline(never)]
    fn make(&self, durability: Options) -> Result<(Tpm, Grade)> {
        let anchor = self.new_anchor()?;
        let profile = self.profile.unwrap_or(Profile::HOST);
        let access = self.access_of_new(&anchor)?;
        let store: Box<dyn Storage> = match (&self.device, self.new_counter()?) {
            (Some(device), counter) => block::create(device, access, durability, counter)?,
            (None, Some(counter)) => kept(FileStore::create_counted(&self.folder, access, durability, counter)?),
            (None, None) => kept(FileStore::create(&self.folder, access, durability)?),
        };
        let mut tpm = Tpm::manufacture(store, Box::new(OsEntropy), provider(), profile, anchor.seeds()?)
            .map_err(|error| Failure::during(self.folder.display(), error))?;
        tpm.set_firmware(Box::new(anchor.firmware()?));
        Ok((tpm, anchor.grade))
    }

    /// Opens the TPM.
    ///
    /// # Errors
    /// What failed, on which file, and the next step.
    pub fn open(&self, durability: Options) -> Result<(Tpm, Grade)> {
        let opened = self.unseal(durability);
        wipe_stack();
        opened
    }

    #[inline(never)]
    fn unseal(&self, durability: Options) -> Result<(Tpm, Grade)> {
        let anchor = self.anchor()?;
        let access = self.access(&anchor)?;
        let tpm = match &self.device {
            Some(device) => anchor.open_in(block::open(device, access, durability)?, device, self.profile)?,
            None => anchor.open(&self.folder, access, self.profile, durability)?,
        };
        Ok((tpm, anchor.grade))
    }
}

/// A store for a TPM that runs: it does without the second key from now on.
pub fn kept<M: Medium + 'static>(mut store: FileStore<M>) -> Box<dyn Storage> {
    store.forget_second_key();
    Box::new(store)
}

impl Anchor {
    /// The anchor of a product's device.
    ///
    /// # Errors
    /// The secret or the value is unusable.
    pub fn new(product: &Product, value: &DeviceValue) -> Result<Self> {
        Self::with(product.masters(value)?.1, value, "")
    }

    /// The anchor of one of several TPMs of a device.
    fn with(mut master: DeviceMaster, value: &DeviceValue, instance: &str) -> Result<Self> {
        if !instance.is_empty() {
            master = master.instance(instance)?;
        }
        Ok(Self { master, grade: Grade::of(value) })
    }

    /// The key that seals this device's states.
    ///
    /// # Errors
    /// None in practice.
    pub fn state_key(&self) -> Result<Zeroizing<[u8; 32]>> {
        Ok(self.master.state_key()?)
    }

    fn seeds(&self) -> Result<Seeds> {
        let owner = self.master.owner_seed()?;
        Ok(Seeds { owner, endorsement: self.master.endorsement_seed()?, platform: self.master.platform_seed()? })
    }

    /// The secrets of this program. Nobody below it measures it, so its version stands for its image.
    fn firmware(&self) -> Result<MeasuredFirmware> {
        Ok(MeasuredFirmware::new(&self.master, &FIRMWARE_VERSION.to_be_bytes(), FIRMWARE_SVN)?)
    }

    /// Opens the TPM in `folder` with this anchor.
    ///
    /// # Errors
    /// The store refuses a folder that was made with another anchor.
    pub fn open(
        &self,
        folder: &Path,
        access: impl Into<Access>,
        profile: Option<Profile>,
        durability: Options,
    ) -> Result<Tpm> {
        self.open_in(kept(FileStore::open(folder, access, durability)?), folder, profile)
    }

    /// Opens the TPM in a store, which is at this place.
    fn open_in(&self, store: Box<dyn Storage>, place: &Path, profile: Option<Profile>) -> Result<Tpm> {
        let mut tpm = Tpm::open(store, Box::new(OsEntropy), provider(), profile, self.seeds()?)
            .map_err(|error| Failure::during(place.display(), error))?;
        tpm.set_firmware(Box::new(self.firmware()?));
        Ok(tpm)
    }
}

/// Makes a folder that only its owner may enter; one that is there stays as it is.
///
/// # Errors
/// Which folder, and why.
pub fn create_folder(path: &Path) -> Result {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        Failure::new(format!("cannot make the folder {}: {error}; choose another one with --state", path.display()))
    })
}

/// Wipes what deriving keys left on this thread's stack, in frames of functions that have returned: this thread then waits for as
/// long as the daemon runs.
#[inline(never)]
fn wipe_stack() {
    let mut used = [0_u8; 128 << 10];
    std::hint::black_box(&mut used);
}

/// `folder.name`, next to `folder`.
fn beside(folder: &Path, name: &str) -> PathBuf {
    let mut file = folder.file_name().unwrap_or_default().to_os_string();
    file.push(".");
    file.push(name);
    folder.with_file_name(file)
}
