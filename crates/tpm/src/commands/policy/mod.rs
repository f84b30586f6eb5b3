//! Enhanced authorization: policies (Part 3, clause 23).

use ironroot_wire::{
    PolicyAuthValue, PolicyAuthorize, PolicyAuthorizeNv, PolicyCapability, PolicyCommandCode, PolicyCounterTimer,
    PolicyCpHash, PolicyDuplicationSelect, PolicyGetDigest, PolicyLocality, PolicyNameHash, PolicyNv, PolicyNvWritten,
    PolicyOr, PolicyParameters, PolicyPassword, PolicyPcr, PolicyPhysicalPresence, PolicySecret, PolicySigned,
    PolicyTemplate, PolicyTicket, PolicyTransportSpdm,
};

use super::{Entry, entry};

mod policy_auth_value;
mod policy_authorize;
mod policy_authorize_nv;
mod policy_capability;
mod policy_command_code;
mod policy_counter_timer;
mod policy_cp_hash;
mod policy_duplication_select;
mod policy_get_digest;
mod policy_locality;
mod policy_name_hash;
mod policy_nv;
mod policy_nv_written;
mod policy_or;
mod policy_parameters;
mod policy_password;
mod policy_pcr;
mod policy_physical_presence;
mod policy_secret;
mod policy_signed;
mod policy_template;
mod policy_ticket;
mod policy_transport_spdm;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[
    entry::<PolicySigned>(),
    entry::<PolicySecret>(),
    entry::<PolicyTicket>(),
    entry::<PolicyOr>(),
    entry::<PolicyPcr>(),
    entry::<PolicyLocality>(),
    entry::<PolicyNv>(),
    entry::<PolicyCounterTimer>(),
    entry::<PolicyCommandCode>(),
    entry::<PolicyPhysicalPresence>(),
    entry::<PolicyCpHash>(),
    entry::<PolicyNameHash>(),
    entry::<PolicyDuplicationSelect>(),
    entry::<PolicyAuthorize>(),
    entry::<PolicyAuthValue>(),
    entry::<PolicyPassword>(),
    entry::<PolicyGetDigest>(),
    entry::<PolicyNvWritten>(),
    entry::<PolicyTemplate>(),
    entry::<PolicyAuthorizeNv>(),
    entry::<PolicyCapability>(),
    entry::<PolicyParameters>(),
    entry::<PolicyTransportSpdm>(),
];
