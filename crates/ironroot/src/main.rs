//! The `ironroot` command.
fn main() {}
