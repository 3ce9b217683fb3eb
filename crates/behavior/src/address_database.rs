//! Where addresses are: a database that the operator supplies.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use maxminddb::{Reader, geoip2};

/// Mean radius of the earth.
const EARTH_KILOMETRES: f64 = 6_371.0;
/// Of a place for which the database gives no radius.
const RADIUS_KILOMETRES: f64 = 100.0;

/// A database in the format of `MaxMind` (`GeoLite2` City and the like), or none. Two are equal when they were
/// read at once.
///
/// Source: `MaxMind` DB File Format Specification, version 2.0.
#[derive(Clone, Default)]
pub struct AddressDatabase(Option<Arc<Opened>>);

struct Opened {
    path: PathBuf,
    bytes: u64,
    reader: Reader<Vec<u8>>,
}

/// Where an address is thought to be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Location {
    /// Degrees, north positive.
    pub(crate) latitude: f64,
    /// Degrees, east positive.
    pub(crate) longitude: f64,
    pub(crate) radius_kilometres: f64,
    /// Two letters (ISO 3166-1), or none.
    pub(crate) country: String,
}

impl AddressDatabase {
    /// Reads a database.
    ///
    /// # Errors
    /// Why it cannot be read, or is none.
    pub fn open(path: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
        let size = bytes.len() as u64;
        let reader = Reader::from_source(bytes).map_err(|error| error.to_string())?;
        let opened = Opened { path: path.to_owned(), bytes: size, reader };
        Ok(Self(Some(Arc::new(opened))))
    }

    /// Where it was read from.
    pub fn path(&self) -> Option<&Path> {
        self.0.as_ref().map(|opened| opened.path.as_path())
    }

    /// What it takes of the process's memory.
    pub fn bytes(&self) -> u64 {
        self.0.as_ref().map_or(0, |opened| opened.bytes)
    }

    /// Where an address is. None when the database does not say.
    pub(crate) fn locate(&self, address: IpAddr) -> Option<Location> {
        let found = self.0.as_ref()?.reader.lookup(address).ok()?;
        let city: geoip2::City<'_> = found.decode().ok()??;
        let (latitude, longitude) = city.location.latitude.zip(city.location.longitude)?;
        let is_place = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
        is_place.then(|| Location {
            latitude,
            longitude,
            radius_kilometres: city.location.accuracy_radius.map_or(RADIUS_KILOMETRES, f64::from),
            country: city.country.iso_code.unwrap_or_default().to_owned(),
        })
    }
}

impl PartialEq for AddressDatabase {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

impl fmt::Debug for AddressDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AddressDatabase({:?})", self.path())
    }
}

impl Location {
    /// The way from one to the other at least, in kilometres: along a great circle, less what neither
    /// place is known by.
    ///
    /// Source: the haversine formula.
    pub(crate) fn kilometres_to(&self, other: &Self) -> f64 {
        let (one, two) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half = |degrees: f64| libm::sin(degrees.to_radians() / 2.0);
        let (north, east) =
            (half(other.latitude - self.latitude), half(other.longitude - self.longitude));
        let root = north * north + libm::cos(one) * libm::cos(two) * east * east;
        let way = 2.0 * EARTH_KILOMETRES * libm::asin(libm::sqrt(root.clamp(0.0, 1.0)));
        (way - self.radius_kilometres - other.radius_kilometres).max(0.0)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;
    use std::io::Write as _;

    use super::*;

    /// A database of networks of 8 bits, as its specification has it: a tree of two records a node,
    /// 24 bits each, and behind sixteen zeros the data.
    pub(crate) fn database(networks: &[(u8, f64, f64, &str)]) -> AddressDatabase {
        let mut data = Vec::new();
        let mut places = BTreeMap::new();
        for &(network, latitude, longitude, country) in networks {
            places.insert(network, data.len());
            data.extend(map(&[
                ("country", map(&[("iso_code", text(country))])),
                (
                    "location",
                    map(&[
                        ("accuracy_radius", vec![0xa1, 10]),
                        ("latitude", double(latitude)),
                        ("longitude", double(longitude)),
                    ]),
                ),
            ]));
        }
        // Every node of eight levels: node n has the children 2n+1 and 2n+2.
        let nodes = 255_usize;
        let mut bytes = Vec::new();
        for node in 0..nodes {
            for child in [2 * node + 1, 2 * node + 2] {
                let record = child.checked_sub(nodes).map_or(child, |leaf| {
                    let place = places.get(&u8::try_from(leaf).unwrap());
                    place.map_or(nodes, |place| nodes + 16 + place)
                });
                bytes.extend_from_slice(&u32::try_from(record).unwrap().to_be_bytes()[1..]);
            }
        }
        bytes.extend_from_slice(&[0; 16]);
        bytes.extend(data);
        bytes.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
        bytes.extend(map(&[
            ("binary_format_major_version", vec![0xa1, 2]),
            ("binary_format_minor_version", vec![0xa1, 0]),
            ("build_epoch", vec![1, 2, 1]),
            ("database_type", text("Test")),
            ("description", map(&[])),
            ("ip_version", vec![0xa1, 4]),
            ("languages", vec![0, 4]),
            ("node_count", vec![0xc1, 255]),
            ("record_size", vec![0xa1, 24]),
        ]));
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        AddressDatabase::open(file.path()).unwrap()
    }

    fn text(text: &str) -> Vec<u8> {
        let mut out = vec![0x40 | u8::try_from(text.len()).unwrap()];
        out.extend_from_slice(text.as_bytes());
        // From 29 bytes on the length stands elsewhere.
        assert!(text.len() < 29);
        out
    }

    fn double(value: f64) -> Vec<u8> {
        let mut out = vec![0x68];
        out.extend_from_slice(&value.to_be_bytes());
        out
    }

    fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut out = vec![0xe0 | u8::try_from(pairs.len()).unwrap()];
        for (name, value) in pairs {
            out.extend(text(name));
            out.extend_from_slice(value);
        }
        out
    }

    #[test]
    fn addresses_are_located() {
        let database = database(&[(81, 51.5, -0.12, "GB"), (23, 40.71, -74.0, "US")]);
        let at = |address: &str| database.locate(address.parse().unwrap());
        let (london, york) = (at("81.2.69.142").unwrap(), at("23.1.2.3").unwrap());
        assert_eq!((london.country.as_str(), york.country.as_str()), ("GB", "US"));
        // 5 570 km by any atlas, less ten on each side.
        assert!((london.kilometres_to(&york) - 5_550.0).abs() < 15.0);
        assert!(london.kilometres_to(&london).abs() < f64::EPSILON);
        assert_eq!(at("10.0.0.1"), None);
        assert_eq!(at("2001:db8::1"), None);
        assert_eq!(AddressDatabase::default().locate("81.2.69.142".parse().unwrap()), None);
    }

    #[test]
    fn what_is_no_database_is_refused_with_its_cause() {
        assert!(AddressDatabase::open(Path::new("/nowhere/x.mmdb")).is_err());
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"no database at all").unwrap();
        let error = AddressDatabase::open(file.path()).unwrap_err();
        assert!(!error.is_empty());
    }
}
