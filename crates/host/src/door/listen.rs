//! Listening sockets, and the loop that accepts from one until the daemon ends.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::stream::wait_readable;
use super::{Door, Hall, Stream};
use crate::error::DaemonError;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 128;

pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixDoor),
}

/// A listening UNIX socket, whose path goes when it does.
pub(crate) struct UnixDoor {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode of the socket, so that nobody else's file is ever removed.
    identity: Option<(u64, u64)>,
}

impl Listener {
    pub(crate) fn tcp(door: Door, address: SocketAddr) -> Result<Self, DaemonError> {
        let failed = |source| DaemonError::Listen { door: door.name(), address: address.to_string(), source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(Self::Tcp(listener))
    }

    pub(crate) fn unix(door: Door, path: &Path, mode: u32) -> Result<Self, DaemonError> {
        remove_stale(door, path)?;
        let failed = |source| DaemonError::Socket { door: door.name(), path: path.to_owned(), source };
        let listener = bind_unix(path, mode).map_err(failed)?;
        let identity = fs::symlink_metadata(path).ok().map(|file| (file.dev(), file.ino()));
        let listener = UnixListener::from(listener);
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(Self::Unix(UnixDoor { listener, path: path.to_owned(), identity }))
    }

    /// The TCP address that it really has.
    pub(crate) fn tcp_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    /// The path of a UNIX socket.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(door) => Some(&door.path),
        }
    }

    fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => listener.accept().map(|(stream, _)| Stream::Tcp(stream)),
            Self::Unix(door) => door.listener.accept().map(|(stream, _)| Stream::Unix(stream)),
        }
    }

    /// Admits clients until the daemon ends.
    pub(crate) fn run(&self, door: Door, hall: &Arc<Hall>) {
        let listener = match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Unix(door) => door.listener.as_fd(),
        };
        while !hall.signal.is_raised() {
            if wait_readable(&[listener, hall.signal.receiver().as_fd()], None).is_err() || hall.signal.is_raised() {
                continue;
            }
            let admitted = match self.accept() {
                Ok(stream) => hall.admit(door, stream, |_| ()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = admitted {
                tracing::warn!(door = door.name(), %error, "a client could not be admitted");
                // Out of descriptors or threads, most likely: it passes when somebody leaves.
                thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

impl Drop for UnixDoor {
    fn drop(&mut self) {
        let now = fs::symlink_metadata(&self.path).ok().map(|file| (file.dev(), file.ino()));
        if now.is_some() && now == self.identity {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Binds first, sets the mode, then listens: nobody can connect before the mode is right.
fn bind_unix(path: &Path, mode: u32) -> io::Result<OwnedFd> {
    let address = SocketAddrUnix::new(path)?;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    rustix::net::bind(&socket, &address)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// A socket that nobody answers on is what a daemon that was killed left behind, and is removed. Anything else stays.
fn remove_stale(door: Door, path: &Path) -> Result<(), DaemonError> {
    let failed = |source| DaemonError::Socket { door: door.name(), path: path.to_owned(), source };
    let file = match fs::symlink_metadata(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    if !file.file_type().is_socket() {
        return Err(DaemonError::NotASocket { door: door.name(), path: path.to_owned() });
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path).map_err(failed),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(failed(error)),
        _ => Err(DaemonError::SocketInUse { door: door.name(), path: path.to_owned() }),
    }
}
