//! One contract, every back end: the same tests over memory, a folder, a block device, NOR flashes, an RPMB and the simulated disk.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

#[path = "../common/mod.rs"]
mod common;
mod contract;
mod places;

use places::*;

/// The contract of storage that keeps its records, for one kind of place.
macro_rules! keeps {
    ($name:ident, $place:expr) => {
        mod $name {
            use super::*;

            #[test]
            fn commits_are_there_at_once_and_after_opening_again() {
                contract::commits_are_there(&mut $place);
            }
            #[test]
            fn a_commit_is_whole_or_not_at_all() {
                contract::is_atomic(&mut $place);
            }
            #[test]
            fn it_goes_on_through_compactions() {
                contract::compacts(&mut $place);
            }
            #[test]
            fn there_is_one_state_and_one_owner() {
                contract::has_one_owner(&mut $place);
            }
            #[test]
            fn what_does_not_fit_is_refused_and_the_rest_stays() {
                contract::refuses_what_does_not_fit(&mut $place);
            }
            #[test]
            fn another_key_and_another_instance_are_refused() {
                contract::refuses_other_keys(&mut $place);
            }
            #[test]
            fn an_old_copy_is_refused_by_its_counter() {
                contract::refuses_old_copies(&mut $place);
            }
            #[test]
            fn keys_and_counters_change_in_place() {
                contract::rekeys(&mut $place);
            }
            #[test]
            fn a_relaxed_state_opens_as_a_strict_one() {
                contract::relaxes(&mut $place);
            }
            #[test]
            fn it_can_be_opened_again_and_again() {
                contract::lives_many_times(&mut $place);
            }
        }
    };
}

keeps!(simulated_disk, SimulatedPlace::default());
keeps!(folder, FolderPlace::new());
keeps!(block_device, DevicePlace::new());
keeps!(flash_by_bytes, FlashPlace::<1, 1, 4096>::new(64));
keeps!(flash_by_words, FlashPlace::<4, 8, 2048>::new(128));
keeps!(flash_by_pages, FlashPlace::<1, 256, 4096>::new(96));
keeps!(rpmb, RpmbPlace::new());

/// Memory holds what it is given as long as it is held.
#[test]
fn memory_keeps_the_contract_of_a_running_store() {
    contract::running(&mut ironroot_platform::memory::MemoryStorage::new());
    contract::running(&mut ironroot_platform::memory::VolatileStorage::default());
}
