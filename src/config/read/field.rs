//! From a value of the configuration to a field of the settings, and back.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::{Context, Keys, Named, Place};

/// A value that becomes a field of the settings.
pub(in crate::config) trait IntoField<Field>: Sized {
    /// The field, for the value at `place`. Errors are reported to the context.
    fn into_field(self, place: Place, context: &mut Context<'_>) -> Field;
}

/// A value whose field is safe to show to readers of the status.
pub(in crate::config) trait ShowField<Field> {
    /// The field in the notation of a file, secrets as `***`; `null` if a file would leave the key
    /// out.
    fn show_field(field: &Field) -> Json;
}

/// A table whose keys become the fields of settings.
pub(in crate::config) trait IntoSettings: Keys {
    /// The settings.
    type Settings;

    /// These settings, changed by the written keys. Errors are reported to the context.
    fn over(self, settings: Self::Settings, context: &mut Context<'_>) -> Self::Settings;
}

/// A table whose settings are safe to show to readers of the status.
pub(in crate::config) trait ShowSettings: IntoSettings {
    /// The settings under the keys of the table, including defaults.
    fn masked(settings: &Self::Settings) -> Json;
}

/// Declares the field for a type of values: `Workers => usize: |count| count.0`. With `<=>` a
/// second function shows it: `Factor <=> f64: |factor| factor.0, |factor| *factor`.
macro_rules! field {
    ($value:ident => $field:ty: $into:expr) => {
        impl $crate::config::read::IntoField<$field> for $value {
            fn into_field(
                self,
                _: $crate::config::read::Place,
                _: &mut $crate::config::read::Context<'_>,
            ) -> $field {
                let into: fn(Self) -> $field = $into;
                into(self)
            }
        }
    };
    ($value:ident <=> $field:ty: $into:expr, $show:expr) => {
        $crate::config::read::field! { $value => $field: $into }

        impl $crate::config::read::ShowField<$field> for $value {
            fn show_field(field: &$field) -> serde_json::Value {
                $crate::config::read::show(field, $show)
            }
        }
    };
}
pub(in crate::config) use field;

/// Serializes what `show` returns for a field.
pub(in crate::config) fn show<Field, Shown: Serialize>(
    field: &Field,
    show: impl Fn(&Field) -> Shown,
) -> Json {
    json!(show(field))
}

/// A table is a value, too: keys that are not written keep their defaults.
impl<T: IntoSettings<Settings: Default>> IntoField<T::Settings> for T {
    fn into_field(self, _: Place, context: &mut Context<'_>) -> T::Settings {
        self.over(T::Settings::default(), context)
    }
}

impl<T: ShowSettings> ShowField<T::Settings> for T {
    fn show_field(field: &T::Settings) -> Json {
        T::masked(field)
    }
}

impl<Field, T: IntoField<Field>> IntoField<BTreeMap<String, Field>> for Named<T> {
    fn into_field(self, _: Place, context: &mut Context<'_>) -> BTreeMap<String, Field> {
        let items = self.0.into_iter();
        items
            .map(|item| (item.name, item.value.into_field(item.place, context)))
            .collect()
    }
}
