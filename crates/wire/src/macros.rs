//! The declaration forms of this crate. They hold no logic of their own beyond marshalling field by field.

/// An enumeration whose unknown values are refused with a given response code.
///
/// `checked algorithms`, `curves`, `mlkem` or `mldsa` also refuses values that the reader's rules do not have.
macro_rules! wire_enum {
    ($(#[$meta:meta])* $name:ident: $repr:ty, else $rc:ident $(, checked $check:ident)? {
        $($(#[$vmeta:meta])* $variant:ident = $value:literal,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr($repr)]
        pub enum $name { $($(#[$vmeta])* $variant = $value,)* }

        impl $name {
            /// Every value that this crate knows, in numeric order of declaration.
            pub const EVERY: &'static [Self] = &[$(Self::$variant,)*];

            /// The value on the wire.
            #[must_use]
            pub const fn value(self) -> $repr {
                self as $repr
            }

            /// The enumeration's value for a number, if there is one.
            #[must_use]
            pub const fn from_value(value: $repr) -> Option<Self> {
                match value { $($value => Some(Self::$variant),)* _ => None }
            }
        }

        impl crate::Wire for $name {
            fn marshal(&self, out: &mut alloc::vec::Vec<u8>) {
                self.value().marshal(out);
            }
            fn unmarshal(reader: &mut crate::Reader<'_>) -> Result<Self, crate::TpmRc> {
                let value = <$repr>::unmarshal(reader)?;
                $(if !wire_enum!(@$check reader, value) { return Err(crate::TpmRc::$rc); })?
                Self::from_value(value).ok_or(crate::TpmRc::$rc)
            }
        }
    };
    (@algorithms $reader:ident, $value:ident) => { $reader.rules().algorithms.contains($value) };
    (@mlkem $reader:ident, $value:ident) => { $reader.rules().has_ml_parameter_set(0, $value) };
    (@mldsa $reader:ident, $value:ident) => { $reader.rules().has_ml_parameter_set(3, $value) };
    (@curves $reader:ident, $value:ident) => { $reader.rules().has_curve($value) };
}

/// Types whose "+" form has `TPM_ALG_NULL` as its NULL value.
macro_rules! nullable_algorithm {
    ($($name:ty),* $(,)?) => {$(
        impl crate::Nullable for $name {
            const NULL: &'static [u8] = &[0x00, 0x10];
        }
    )*};
}

/// A structure: its fields, in order.
macro_rules! wire_struct {
    ($(#[$meta:meta])* $name:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name { $($(#[$fmeta])* pub $field: $type,)* }

        impl crate::Wire for $name {
            fn marshal(&self, out: &mut alloc::vec::Vec<u8>) {
                $(self.$field.marshal(out);)*
            }
            fn unmarshal(reader: &mut crate::Reader<'_>) -> Result<Self, crate::TpmRc> {
                Ok(Self { $($field: <$type as crate::Wire>::unmarshal(reader)?,)* })
            }
        }
    };
}

/// A union with its selector in front (`TPMT_`): the selector's value and what follows it, in one place.
macro_rules! wire_union {
    ($(#[$meta:meta])* $name:ident by $repr:ty, else $rc:ident $(, checked $check:ident)? {
        $($(#[$vmeta:meta])* $variant:ident($type:ty) = $value:literal,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name { $($(#[$vmeta])* $variant($type),)* }

        impl $name {
            /// The selector on the wire.
            #[must_use]
            pub const fn selector(&self) -> $repr {
                match self { $(Self::$variant(_) => $value,)* }
            }
        }

        impl crate::Wire for $name {
            fn marshal(&self, out: &mut alloc::vec::Vec<u8>) {
                self.selector().marshal(out);
                match self { $(Self::$variant(value) => value.marshal(out),)* }
            }
            fn unmarshal(reader: &mut crate::Reader<'_>) -> Result<Self, crate::TpmRc> {
                let selector = <$repr>::unmarshal(reader)?;
                $(if !wire_enum!(@$check reader, selector) { return Err(crate::TpmRc::$rc); })?
                match selector {
                    $($value => Ok(Self::$variant(<$type as crate::Wire>::unmarshal(reader)?)),)*
                    _ => Err(crate::TpmRc::$rc),
                }
            }
        }
    };
}

/// A sized byte buffer (`TPM2B_`) with its maximum. `secret` ones are wiped when dropped and never printed.
macro_rules! buffer {
    (@common $name:ident, $max:expr) => {
        impl $name {
            /// The most bytes that the buffer holds.
            pub const MAX: usize = $max;

            /// A buffer with these bytes.
            ///
            /// # Errors
            /// `TPM_RC_SIZE` if there are more than [`Self::MAX`].
            pub fn from_slice(bytes: &[u8]) -> Result<Self, crate::TpmRc> {
                if bytes.len() > Self::MAX { Err(crate::TpmRc::SIZE) } else { Ok(Self(bytes.to_vec().into())) }
            }

            /// The bytes.
            #[must_use]
            pub fn as_slice(&self) -> &[u8] {
                &self.0
            }
        }

        impl core::ops::Deref for $name {
            type Target = [u8];
            fn deref(&self) -> &[u8] {
                &self.0
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = crate::TpmRc;
            fn try_from(bytes: &[u8]) -> Result<Self, crate::TpmRc> {
                Self::from_slice(bytes)
            }
        }

        impl crate::Wire for $name {
            const SIZED: bool = true;
            fn marshal(&self, out: &mut alloc::vec::Vec<u8>) {
                crate::codec::marshal_sized(&self.0, out);
            }
            fn unmarshal(reader: &mut crate::Reader<'_>) -> Result<Self, crate::TpmRc> {
                Ok(Self(crate::codec::unmarshal_sized(reader, Self::MAX)?.to_vec().into()))
            }
        }
    };
    ($(#[$meta:meta])* $name:ident, $max:expr) => {
        $(#[$meta])*
        #[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(alloc::vec::Vec<u8>);
        buffer!(@common $name, $max);

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                for byte in &self.0 {
                    write!(f, "{byte:02x}")?;
                }
                f.write_str(")")
            }
        }
    };
    (secret $(#[$meta:meta])* $name:ident, $max:expr) => {
        $(#[$meta])*
        #[derive(Clone, Default, PartialEq, Eq)]
        pub struct $name(zeroize::Zeroizing<alloc::vec::Vec<u8>>);
        buffer!(@common $name, $max);

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }
    };
}

/// A bit field (`TPMA_`); bits without a name are reserved unless `open` says otherwise.
macro_rules! attributes {
    ($(#[$meta:meta])* $name:ident: $repr:ty, also $open:literal {
        $($(#[$bmeta:meta])* $bit:ident = $shift:literal,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $repr);

        impl $name {
            $($(#[$bmeta])* pub const $bit: Self = Self(1 << $shift);)*
            /// No bit.
            pub const NONE: Self = Self(0);
            /// The bits that have a meaning.
            pub const DEFINED: Self = Self($open $(| 1 << $shift)*);

            /// Whether all bits of `other` are set.
            #[must_use]
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Whether any bit of `other` is set.
            #[must_use]
            pub const fn intersects(self, other: Self) -> bool {
                self.0 & other.0 != 0
            }

            /// With the bits of `other` set.
            #[must_use]
            pub const fn with(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// With the bits of `other` cleared.
            #[must_use]
            pub const fn without(self, other: Self) -> Self {
                Self(self.0 & !other.0)
            }
        }

        impl core::ops::BitOr for $name {
            type Output = Self;
            fn bitor(self, other: Self) -> Self {
                self.with(other)
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, concat!(stringify!($name), "({:#x}"), self.0)?;
                $(if self.contains(Self::$bit) { f.write_str(concat!(" ", stringify!($bit)))?; })*
                f.write_str(")")
            }
        }

        impl crate::Wire for $name {
            fn marshal(&self, out: &mut alloc::vec::Vec<u8>) {
                self.0.marshal(out);
            }
            fn unmarshal(reader: &mut crate::Reader<'_>) -> Result<Self, crate::TpmRc> {
                let value = Self(<$repr>::unmarshal(reader)?);
                if Self::DEFINED.contains(value) { Ok(value) } else { Err(crate::TpmRc::RESERVED_BITS) }
            }
        }
    };
}

/// A handle type (`TPMI_DH_`, `TPMI_RH_`, `TPMI_SH_`): the handles that it lets through; others give `TPM_RC_VALUE`.
macro_rules! handle_type {
    ($(#[$meta:meta])* $name:ident: $($pattern:pat_param)|+) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// The handle as a plain number.
            #[must_use]
            pub const fn value(self) -> u32 {
                self.0
            }
        }

        impl From<$name> for crate::TpmHandle {
            fn from(handle: $name) -> Self {
                Self(handle.0)
            }
        }

        impl crate::Wire for $name {
            fn marshal(&self, out: &mut alloc::vec::Vec<u8>) {
                self.0.marshal(out);
            }
            // One pattern for each line of the type's table in Part 2, adjacent or not.
            #[allow(clippy::manual_range_patterns)]
            fn unmarshal(reader: &mut crate::Reader<'_>) -> Result<Self, crate::TpmRc> {
                match u32::unmarshal(reader)? {
                    value if matches!(value, $($pattern)|+) => Ok(Self(value)),
                    _ => Err(crate::TpmRc::VALUE),
                }
            }
        }

        impl crate::Nullable for $name {
            const NULL: &'static [u8] = &0x4000_0007u32.to_be_bytes();
        }

        impl crate::HandleValue for $name {
            fn handle(&self) -> u32 {
                self.0
            }
        }
    };
}

/// A chapter of commands: code, attributes, handles with their authorization roles, parameters, response.
macro_rules! commands {
    ($chapter:ident; $(
        $(#[$meta:meta])*
        $name:ident, $response:ident = $code:literal [$($attribute:ident),*]
        ( $($handle:ident: $htype:ty [$role:ident]),* )
        { $($parameter:ident: $ptype:ty),* $(,)? }
        => ( $($rhandle:ident: $rhtype:ty)? )
        { $($out:ident: $otype:ty),* $(,)? }
    )*) => {
        /// The commands of this chapter.
        pub const $chapter: &[&CommandInfo] = &[$(&<$name as Command>::INFO,)*];

        $(
            $(#[$meta])*
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub struct $name {
                $(#[allow(missing_docs)] pub $handle: $htype,)*
                $(#[allow(missing_docs)] pub $parameter: $ptype,)*
            }

            #[doc = concat!("The response of [`", stringify!($name), "`](struct@", stringify!($name), ").")]
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub struct $response {
                $(#[allow(missing_docs)] pub $rhandle: $rhtype,)?
                $(#[allow(missing_docs)] pub $out: $otype,)*
            }

            impl Command for $name {
                const INFO: CommandInfo = CommandInfo {
                    code: TpmCc($code),
                    name: stringify!($name),
                    attributes: CommandAttributes::NONE $(.with(CommandAttributes::$attribute))*,
                    handles: &[$(HandleInfo {
                        name: stringify!($handle),
                        type_name: stringify!($htype),
                        role: Role::$role,
                        check: check_handle::<$htype>,
                    },)*],
                    parameters: &[$(FieldInfo {
                        name: stringify!($parameter),
                        type_name: stringify!($ptype),
                        sized: <$ptype as Wire>::SIZED,
                    },)*],
                    response_handle: first_of(&[$(stringify!($rhandle))?]),
                    response_parameters: &[$(FieldInfo {
                        name: stringify!($out),
                        type_name: stringify!($otype),
                        sized: <$otype as Wire>::SIZED,
                    },)*],
                };
                type Response = $response;

                #[allow(unused_variables, unused_mut, unused_assignments)]
                fn unmarshal(handles: &mut Reader<'_>, parameters: &mut Reader<'_>) -> Result<Self, TpmRc> {
                    let mut number = 0u32;
                    $(
                        number = number.saturating_add(1);
                        let $handle = <$htype as Wire>::unmarshal(handles).map_err(|rc| rc.handle(number))?;
                    )*
                    let mut number = 0u32;
                    $(
                        number = number.saturating_add(1);
                        let $parameter = <$ptype as Wire>::unmarshal(parameters).map_err(|rc| rc.parameter(number))?;
                    )*
                    if !parameters.is_empty() {
                        return Err(TpmRc::SIZE);
                    }
                    Ok(Self { $($handle,)* $($parameter,)* })
                }

                fn handles(&self) -> alloc::vec::Vec<u32> {
                    alloc::vec![$(HandleValue::handle(&self.$handle),)*]
                }

                #[allow(unused_variables)]
                fn marshal_parameters(&self, out: &mut alloc::vec::Vec<u8>) {
                    $(self.$parameter.marshal(out);)*
                }
            }

            impl Response for $response {
                #[allow(unused_variables)]
                fn marshal_handle(&self, out: &mut alloc::vec::Vec<u8>) {
                    $(self.$rhandle.marshal(out);)?
                }

                #[allow(unused_variables)]
                fn marshal_parameters(&self, out: &mut alloc::vec::Vec<u8>) {
                    $(self.$out.marshal(out);)*
                }

                #[allow(unused_variables)]
                fn unmarshal(handle: &mut Reader<'_>, parameters: &mut Reader<'_>) -> Result<Self, TpmRc> {
                    $(let $rhandle = <$rhtype as Wire>::unmarshal(handle)?;)?
                    $(let $out = <$otype as Wire>::unmarshal(parameters)?;)*
                    if !parameters.is_empty() {
                        return Err(TpmRc::SIZE);
                    }
                    Ok(Self { $($rhandle,)? $($out,)* })
                }
            }
        )*
    };
}
