//! Where the database is: a file, or a PostgreSQL server by its URL. The URL may hold a password, so nothing here prints
//! it: neither `Display` nor `Debug` nor an error.

use std::{
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

use sqlx::{ConnectOptions as _, any::AnyConnectOptions};
use zeroize::Zeroizing;

use super::StoreError;

/// Where a database is.
#[derive(Clone)]
pub enum Location {
    /// A SQLite file; it is made if it is not there.
    File(PathBuf),
    /// A database of a PostgreSQL server.
    Postgres(PostgresUrl),
}

/// A `postgres://` URL.
#[derive(Clone)]
pub struct PostgresUrl {
    url: Zeroizing<String>,
    shown: String,
}

impl Location {
    /// Options for a connection.
    pub(super) fn options(&self) -> Result<AnyConnectOptions, StoreError> {
        let options = match self {
            Self::File(path) => {
                let url = format!("sqlite://{}?mode=rwc", encoded(path)?);
                AnyConnectOptions::from_str(&url)?
            }
            Self::Postgres(PostgresUrl { url, .. }) => AnyConnectOptions::from_str(url)?,
        };
        // Statements are not secret, but they are not news either.
        Ok(options.disable_statement_logging())
    }
}

/// A path as it stands in a URL.
fn encoded(path: &Path) -> Result<String, StoreError> {
    let path = std::path::absolute(path)?;
    let text =
        path.to_str().ok_or_else(|| StoreError::Location("its path is not UTF-8: choose another folder".to_owned()))?;
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    Ok(text.bytes().map(|b| if keep(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect())
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(url) => f.write_str(&url.shown),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

impl FromStr for Location {
    type Err = StoreError;

    /// A `postgres://` URL, or the path of a file. A server on another machine is spoken to by TLS with its certificate
    /// checked, unless the URL says otherwise (`sslmode`).
    fn from_str(text: &str) -> Result<Self, StoreError> {
        let Some((scheme, rest)) = text.split_once("://") else { return Ok(Self::File(text.into())) };
        if !matches!(scheme, "postgres" | "postgresql") {
            let message = "a file's path or postgres://USER@HOST/DATABASE is expected";
            return Err(StoreError::Location(message.to_owned()));
        }
        // What the library says about a wrong URL does not repeat it.
        AnyConnectOptions::from_str(text)?;
        let (before, query) = rest.split_once('?').map_or((rest, None), |(before, query)| (before, Some(query)));
        let (authority, database) = before.split_once('/').unwrap_or((before, ""));
        let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        let user = user.map(|user| user.split_once(':').map_or(user, |(user, _)| user));
        let shown = match user {
            Some(user) => format!("postgres://{user}@{host}/{database}"),
            None => format!("postgres://{host}/{database}"),
        };
        let mut url = Zeroizing::new(text.to_owned());
        let says = |words: &[&str]| {
            let keys = query.into_iter().flat_map(|query| query.split('&')).filter_map(|pair| pair.split('=').next());
            keys.into_iter().any(|key| words.contains(&key))
        };
        if !is_this_machine(host) && !says(&["sslmode", "ssl-mode"]) {
            url.push_str(if query.is_some() { "&" } else { "?" });
            url.push_str("sslmode=verify-full");
        }
        if !says(&["application_name"]) {
            let separator = if url.contains('?') { "&" } else { "?" };
            url.push_str(separator);
            url.push_str("application_name=ironroot");
        }
        Ok(Self::Postgres(PostgresUrl { url, shown }))
    }
}

/// Whether a URL's host is this machine: loopback, or a socket in the file system.
fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_socket = name.is_empty() || name.starts_with("%2F") || name.starts_with("%2f");
    is_socket || name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for (url, shown) in [
            ("postgres://me:hunter2@db.example:5433/fleet", "postgres://me@db.example:5433/fleet"),
            ("postgresql://me:hun@ter2@db.example/fleet?password=hunter2", "postgres://me@db.example/fleet"),
            ("postgres://db.example/fleet", "postgres://db.example/fleet"),
        ] {
            let location = Location::from_str(url).unwrap();
            assert_eq!(location.to_string(), shown);
            assert_eq!(format!("{location:?}"), format!("Location({shown})"));
        }
        for wrong in ["mysql://me:hunter2@host/x", "postgres://me:hunter2@[host/x", "postgres://me:hunter2@host:port/x"]
        {
            let error = Location::from_str(wrong).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter"), "{error:?}");
        }
    }

    #[test]
    fn servers_elsewhere_are_spoken_to_by_tls() {
        let url = |text: &str| match Location::from_str(text).unwrap() {
            Location::Postgres(url) => url.url.to_string(),
            Location::File(_) => panic!("a file"),
        };
        assert!(url("postgres://db.example/fleet").contains("?sslmode=verify-full"));
        assert!(url("postgres://10.0.0.7/fleet?x=y").contains("&sslmode=verify-full"));
        assert!(!url("postgres://10.0.0.7/fleet?sslmode=require").contains("verify-full"));
        for here in ["localhost", "127.0.0.1:5432", "[::1]:5432", "%2Frun%2Fpostgresql", ""] {
            assert!(!url(&format!("postgres://{here}/fleet")).contains("sslmode"), "{here}");
        }
    }
}
