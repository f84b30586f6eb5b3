//! The command table of `ironroot-wire`, by code.

use std::{collections::BTreeMap, sync::OnceLock};

use ironroot_wire::{CHAPTERS, CommandInfo};

fn table() -> &'static BTreeMap<u32, &'static CommandInfo> {
    static TABLE: OnceLock<BTreeMap<u32, &'static CommandInfo>> = OnceLock::new();
    TABLE.get_or_init(|| CHAPTERS.iter().flat_map(|chapter| chapter.iter()).map(|info| (info.code.0, *info)).collect())
}

/// The row of a command.
pub fn info(code: u32) -> Option<&'static CommandInfo> {
    table().get(&code).copied()
}

/// Every command.
pub fn all() -> impl Iterator<Item = &'static CommandInfo> {
    table().values().copied()
}

/// A command's name, or its number.
pub fn name(code: u32) -> String {
    info(code).map_or_else(|| format!("command {code:#x}"), |info| info.name.to_owned())
}

/// A type's name without spaces.
pub fn type_name(name: &str) -> String {
    name.replace(' ', "")
}

/// Commands after which any object, session or index may be gone.
pub fn resyncs(code: u32) -> bool {
    // UndefineSpaceSpecial, EvictControl, HierarchyControl, UndefineSpace, ChangeEPS, ChangePPS, Clear, Startup
    matches!(code, 0x11F | 0x120 | 0x121 | 0x122 | 0x124 | 0x125 | 0x126 | 0x144)
}
