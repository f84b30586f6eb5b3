//! A profile as it is kept with the state: what a TPM is manufactured with, it has for life.

use alloc::{string::String, vec::Vec};

use ironroot_wire::{
    Reader, Rules, TpmRc, TpmaMlParameterSet, Wire,
    rules::{AlgorithmSet, KeySizes},
};

use super::{CommandSet, Profile, ProfileName};

fn put_wide(value: u128, out: &mut Vec<u8>) {
    out.extend_from_slice(&value.to_be_bytes());
}

fn take_wide(reader: &mut Reader<'_>) -> Result<u128, TpmRc> {
    let bytes = reader.take(16)?;
    Ok(bytes.iter().fold(0, |value, &byte| value << 8 | u128::from(byte)))
}

fn put_pair(words: [u128; 2], out: &mut Vec<u8>) {
    words.into_iter().for_each(|word| put_wide(word, out));
}

fn take_pair(reader: &mut Reader<'_>) -> Result<[u128; 2], TpmRc> {
    Ok([take_wide(reader)?, take_wide(reader)?])
}

fn put_number(value: usize, out: &mut Vec<u8>) {
    u32::try_from(value).unwrap_or(u32::MAX).marshal(out);
}

fn take_number(reader: &mut Reader<'_>) -> Result<usize, TpmRc> {
    usize::try_from(u32::unmarshal(reader)?).map_err(|_| TpmRc::VALUE)
}

fn take_name(reader: &mut Reader<'_>) -> Result<ProfileName, TpmRc> {
    let length = u8::unmarshal(reader)?;
    let bytes = reader.take(usize::from(length))?;
    core::str::from_utf8(bytes).ok().and_then(ProfileName::new).ok_or(TpmRc::VALUE)
}

impl Wire for Profile {
    fn marshal(&self, out: &mut Vec<u8>) {
        let name = String::from(self.name.as_str());
        u8::try_from(name.len()).unwrap_or_default().marshal(out);
        out.extend_from_slice(name.as_bytes());
        put_pair(self.rules.algorithms.words(), out);
        put_wide(self.rules.curves, out);
        for sizes in [self.rules.rsa_key_bits, self.rules.aes_key_bits, self.rules.camellia_key_bits] {
            sizes.word().marshal(out);
        }
        self.rules.ml_parameter_sets.0.marshal(out);
        put_pair(self.commands.words(), out);
        for number in [
            self.loaded_objects,
            self.loaded_sessions,
            self.active_sessions,
            self.persistent_objects,
            self.nv_space,
            usize::from(self.nv_index_max),
            usize::try_from(self.timers).unwrap_or(usize::MAX),
        ] {
            put_number(number, out);
        }
        put_pair(self.pcr_banks.words(), out);
        put_pair(self.pcr_allocation.words(), out);
    }

    /// A profile that fits this implementation.
    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let profile = Self {
            name: take_name(reader)?,
            rules: Rules {
                algorithms: AlgorithmSet::from_words(take_pair(reader)?),
                curves: take_wide(reader)?,
                rsa_key_bits: KeySizes::from_word(u64::unmarshal(reader)?),
                aes_key_bits: KeySizes::from_word(u64::unmarshal(reader)?),
                camellia_key_bits: KeySizes::from_word(u64::unmarshal(reader)?),
                ml_parameter_sets: TpmaMlParameterSet(u32::unmarshal(reader)?),
            },
            commands: CommandSet::from_words(take_pair(reader)?),
            loaded_objects: take_number(reader)?,
            loaded_sessions: take_number(reader)?,
            active_sessions: take_number(reader)?,
            persistent_objects: take_number(reader)?,
            nv_space: take_number(reader)?,
            nv_index_max: u16::try_from(take_number(reader)?).map_err(|_| TpmRc::VALUE)?,
            timers: u32::unmarshal(reader)?,
            pcr_banks: AlgorithmSet::from_words(take_pair(reader)?),
            pcr_allocation: AlgorithmSet::from_words(take_pair(reader)?),
        };
        profile.validate().map_err(|_| TpmRc::VALUE)?;
        Ok(profile)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn profiles_survive_being_written_down() {
        for profile in Profile::NAMED {
            assert_eq!(Profile::from_bytes(&profile.to_bytes()).unwrap(), *profile);
        }
    }

    #[test]
    fn what_is_not_implemented_or_not_possible_is_refused() {
        let refused = |profile: Profile, field| {
            assert_eq!(profile.validate().unwrap_err().field, field);
            assert!(Profile::from_bytes(&profile.to_bytes()).is_err());
        };
        let host = Profile::HOST;
        let algorithms = |algorithms| Profile { rules: Rules { algorithms, ..host.rules }, ..host };
        refused(algorithms(host.rules.algorithms.with(0xFF)), "Algorithms");
        refused(algorithms(host.rules.algorithms.without(0x000B)), "Algorithms");
        refused(Profile { rules: Rules { curves: 1 << 99, ..host.rules }, ..host }, "Algorithms");
        let rsa = Rules { rsa_key_bits: KeySizes::of(&[512]), ..host.rules };
        refused(Profile { rules: rsa, ..host }, "KeySizes");
        refused(Profile { commands: CommandSet::NONE, ..host }, "Commands");
        refused(Profile { loaded_objects: 2, ..host }, "loadedObjects");
        refused(Profile { active_sessions: 257, ..host }, "activeSessions");
        refused(Profile { pcr_allocation: AlgorithmSet::NONE, ..host }, "pcrAllocation");
        let bank = AlgorithmSet::NONE.with(0x0010);
        refused(Profile { pcr_banks: bank, ..host }, "pcrBanks");
        let sha256 = AlgorithmSet::NONE.with(0x000B);
        refused(Profile { pcr_banks: sha256, pcr_allocation: host.pcr_allocation, ..host }, "pcrAllocation");
    }
}
