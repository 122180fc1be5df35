//! Enums whose values have a name: in files, on the command line, in print. A name is stated once, beside its value.

use serde::{Deserialize, Deserializer, de::Error};

/// A type whose few values have names.
pub trait Named: Copy + 'static {
    /// Every value, in the order of declaration.
    const ALL: &'static [Self];

    /// Its name in files, on the command line and in print.
    fn name(self) -> &'static str;

    /// The value of this name.
    #[must_use]
    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.name() == name)
    }
}

/// Reads a value by its name; the error lists the names that there are.
pub(crate) fn deserialize<'de, T: Named, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let name = String::deserialize(from)?;
    let known = || T::ALL.iter().map(|value| value.name()).collect::<Vec<_>>().join(", ");
    T::named(&name).ok_or_else(|| D::Error::custom(format_args!("`{name}` is unknown; use one of {}", known())))
}

/// Declares an enum whose values have names, `Value = "name"`: [`Named`], `Display` and serde's traits go by them.
macro_rules! named_enum {
    (
        $(#[$about:meta])*
        $visibility:vis enum $Enum:ident {
            $($(#[$about_value:meta])* $Value:ident = $name:literal),+ $(,)?
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $visibility enum $Enum {
            $($(#[$about_value])* $Value),+
        }

        impl $crate::named::Named for $Enum {
            const ALL: &'static [Self] = &[$(Self::$Value),+];

            fn name(self) -> &'static str {
                match self {
                    $(Self::$Value => $name),+
                }
            }
        }

        impl std::fmt::Display for $Enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad($crate::named::Named::name(*self))
            }
        }

        impl serde::Serialize for $Enum {
            fn serialize<S: serde::Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
                to.serialize_str($crate::named::Named::name(*self))
            }
        }

        impl<'de> serde::Deserialize<'de> for $Enum {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
                $crate::named::deserialize(from)
            }
        }
    };
}
pub(crate) use named_enum;

#[cfg(test)]
mod tests {
    use super::Named;

    named_enum! {
        /// Not in the order of the alphabet.
        #[derive(Default, Hash)]
        enum Side {
            /// The other left.
            Right = "right",
            #[default]
            Left = "left-hand",
        }
    }

    #[test]
    fn a_name_is_the_same_everywhere() {
        assert_eq!(Side::ALL, [Side::Right, Side::Left]);
        assert_eq!(Side::default(), Side::Left);
        for (side, name) in [(Side::Right, "right"), (Side::Left, "left-hand")] {
            assert_eq!((side.name(), side.to_string().as_str(), Side::named(name)), (name, name, Some(side)));
            let json = serde_json::to_string(&side).unwrap();
            assert_eq!((json.as_str(), serde_json::from_str(&json).ok()), (&*format!("\"{name}\""), Some(side)));
        }
        assert_eq!(format!("{:>6}|{:<6}|", Side::Right, Side::Right), " right|right |");
        assert_eq!(Side::named("Right"), None);
        let error = serde_json::from_str::<Side>("\"up\"").unwrap_err().to_string();
        assert!(error.contains("`up` is unknown; use one of right, left-hand"), "{error}");
        assert!(serde_json::from_str::<Side>("1").is_err());
    }

    #[test]
    fn a_wrong_name_in_a_settings_file_is_found_by_its_line() {
        #[derive(Debug, serde::Deserialize)]
        struct Settings {
            #[expect(dead_code, reason = "only its error is looked at")]
            side: Side,
        }
        let error = toml::from_str::<Settings>("\nside = \"up\"\n").unwrap_err();
        assert_eq!(error.span().map(|span| span.start), Some(8), "{error}");
    }
}
