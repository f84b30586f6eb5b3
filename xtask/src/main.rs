//! The one door for people who build Ironroot.
fn main() {}
