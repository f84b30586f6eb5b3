//! The one declaration form of this crate.

/// A structure that is stored: its fields in order, each with a canonical form.
macro_rules! record {
    ($(#[$meta:meta])* $name:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        pub struct $name { $($(#[$fmeta])* pub $field: $type,)* }

        impl ironroot_wire::Wire for $name {
            fn marshal(&self, out: &mut alloc::vec::Vec<u8>) {
                $(self.$field.marshal(out);)*
            }
            fn unmarshal(reader: &mut ironroot_wire::Reader<'_>) -> Result<Self, ironroot_wire::TpmRc> {
                Ok(Self { $($field: <$type as ironroot_wire::Wire>::unmarshal(reader)?,)* })
            }
        }
    };
}
