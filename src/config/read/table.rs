//! The declaration of a table. Everything about its keys comes from one declaration, so that no two
//! parts can disagree.

/// Declares a table of the file: each key with its purpose, its type, and its default in the
/// notation of a file. From this come the reader, the merging of layers, the JSON Schema, the
/// conversion into settings, and the masked view.
///
/// ```text
/// table! {
///     /// How much may wait.
///     struct QueueTable <=> QueueSettings {
///         /// How many messages may wait.
///         messages: Count = 1024,
///         /// Who is told when it is full.
///         listener: Text => told,
///     }
///     later { spill }
///     no key { started_at }
/// }
/// ```
///
/// - `<=> QueueSettings`: the keys become the fields of this struct, and the masked view shows them.
///   With `=>` they are not shown; without either, the step into the settings is written by hand.
/// - `messages: Count = 1024`: a key, the type of its value (of `values/`, or another table), and its
///   default. It becomes the field of the same name. [`IntoField`](super::IntoField) of the type says
///   how, and [`ShowField`](super::ShowField) says how the field is shown.
/// - `=> told`: the field has another name.
/// - `later`: keys that the contract knows and this version does not.
/// - `condition as "if": …`: the key's name is no name in Rust.
/// - `compiled { … }`: keys that become a field only together with others, when the layers are merged.
/// - `no key`: fields that no key sets. A field that is neither a key's nor listed here does not
///   compile: "pattern requires `..`".
/// - `holds secrets`, behind the name: errors in the table do not quote its texts.
///
/// The settings have their default in code, where programs find it. A test compares it with the
/// default that is declared here.
macro_rules! table {
    (
        $(#[doc = $about:literal])*
        $(#[derive($derive:ident)])?
        $vis:vis struct $name:ident $(holds $holds:ident)? $(<=> $shown:ident)? $(=> $settings:ident)? {
            $(
                $(#[doc = $doc:literal])*
                $key:ident $(as $written:literal)?: $type:ty $(= $default:tt)? $(=> $field:ident)?,
            )*
        }
        $(compiled {
            $(
                $(#[doc = $part_doc:literal])*
                $part:ident $(as $part_written:literal)?: $part_type:ty $(= $part_default:tt)?,
            )*
        })?
        $(later { $($later:tt),* $(,)? })?
        $(no key { $($other:ident),* $(,)? })?
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, Default $(, $derive)?)]
        $vis struct $name {
            $( $(#[doc = $doc])* pub $key: Option<$crate::config::read::Located<$type>>, )*
            $($( $(#[doc = $part_doc])* pub $part: Option<$crate::config::read::Located<$part_type>>, )*)?
        }

        impl $crate::config::read::Keys for $name {
            const ABOUT: &'static str = concat!($($about,)*);
            const NAMES: &'static [&'static str] = &[
                $( $crate::config::read::key_name!($key $($written)?), )*
                $($( $crate::config::read::key_name!($part $($part_written)?), )*)?
            ];
            const LATER: &'static [&'static str] = &[$($(stringify!($later)),*)?];
            const HOLDS: &'static [&'static str] = &[$(stringify!($holds))?];

            fn set(
                &mut self,
                key: &str,
                node: &$crate::config::read::Node,
                context: &mut $crate::config::read::Context<'_>,
            ) -> bool {
                match key {
                    $( $crate::config::read::key_name!($key $($written)?) => {
                        self.$key = $crate::config::read::Located::read(node, context);
                    } )*
                    $($( $crate::config::read::key_name!($part $($part_written)?) => {
                        self.$part = $crate::config::read::Located::read(node, context);
                    } )*)?
                    _ => return false,
                }
                true
            }

            fn properties() -> serde_json::Map<String, serde_json::Value> {
                let mut properties = serde_json::Map::new();
                $(
                    let mut schema = <$type as $crate::config::read::Read>::schema();
                    schema["description"] = concat!($($doc,)*).trim().into();
                    $( schema["default"] = serde_json::json!($default); )?
                    let key = $crate::config::read::key_name!($key $($written)?);
                    properties.insert(key.into(), schema);
                )*
                $($(
                    let mut schema = <$part_type as $crate::config::read::Read>::schema();
                    schema["description"] = concat!($($part_doc,)*).trim().into();
                    $( schema["default"] = serde_json::json!($part_default); )?
                    let key = $crate::config::read::key_name!($part $($part_written)?);
                    properties.insert(key.into(), schema);
                )*)?
                properties
            }
        }

        impl $crate::config::read::Read for $name {
            fn read(
                node: &$crate::config::read::Node,
                context: &mut $crate::config::read::Context<'_>,
            ) -> Option<Self> {
                $crate::config::read::read_table(node, context)
            }

            fn schema() -> serde_json::Value {
                $crate::config::read::table_schema::<Self>()
            }

            fn overlay(&mut self, nearer: Self) {
                $( $crate::config::read::overlay(&mut self.$key, nearer.$key); )*
                $($( $crate::config::read::overlay(&mut self.$part, nearer.$part); )*)?
            }
        }

        $crate::config::read::settings_of_table! {
            $name $(<=> $shown)? $(=> $settings)? {
                $( $key: $type $(=> $field)?, )*
            }
            { $($($other),*)? }
        }
    };
}
pub(in crate::config) use table;

/// The name of a key in a file.
macro_rules! key_name {
    ($key:ident) => {
        stringify!($key)
    };
    ($key:ident $written:literal) => {
        $written
    };
}
pub(in crate::config) use key_name;

/// The conversions between a table and its settings. Both name all fields, so that none is
/// forgotten.
macro_rules! settings_of_table {
    ($name:ident { $($keys:tt)* } {}) => {};
    ($name:ident <=> $settings:ident { $( $key:ident: $type:ty $(=> $field:ident)?, )* } { $($other:ident),* }) => {
        $crate::config::read::settings_of_table! {
            $name => $settings { $( $key: $type $(=> $field)?, )* } { $($other),* }
        }

        impl $crate::config::read::ShowSettings for $name {
            fn masked(settings: &$settings) -> serde_json::Value {
                let $settings { $( $($field:)? $key, )* $( $other: _, )* } = settings;
                let mut keys = serde_json::Map::new();
                $(
                    let shown = <$type as $crate::config::read::ShowField<_>>::show_field($key);
                    if !shown.is_null() {
                        keys.insert(stringify!($key).into(), shown);
                    }
                )*
                keys.into()
            }
        }
    };
    ($name:ident => $settings:ident { $( $key:ident: $type:ty $(=> $field:ident)?, )* } { $($other:ident),* }) => {
        impl $crate::config::read::IntoSettings for $name {
            type Settings = $settings;

            fn over(
                self,
                mut settings: $settings,
                context: &mut $crate::config::read::Context<'_>,
            ) -> $settings {
                let $settings { $( $($field:)? $key, )* $( $other: _, )* } = &mut settings;
                $(
                    if let Some($crate::config::read::Located { value, place }) = self.$key {
                        *$key = $crate::config::read::IntoField::into_field(value, place, context);
                    }
                )*
                settings
            }
        }
    };
}
pub(in crate::config) use settings_of_table;
