//! What the tests of this crate share: a folder of their own, OpenSSL as a peer.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
};

use ironroot_client::testing::TestTpm;
use ironroot_keys::SharedTpm;

/// A folder that goes away with its owner.
pub struct Folder(PathBuf);

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Folder {
    pub fn new() -> Self {
        let name = format!("ironroot-keys-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, contents).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs `openssl` in the folder; `arguments` is split at spaces.
    pub fn openssl(&self, arguments: &str) -> String {
        run(Command::new("openssl").args(arguments.split(' ')).current_dir(&self.0))
    }

    /// The same with the tpm2 provider in front of OpenSSL's own, over this TPM.
    pub fn openssl_tpm2(&self, tpm: &TestTpm, arguments: &str) -> String {
        let (command, rest) = arguments.split_once(' ').unwrap();
        run(Command::new("openssl")
            .arg(command)
            .args(["-provider", "tpm2", "-provider", "default", "-propquery", "?provider=tpm2"])
            .args(rest.split(' '))
            .env("TPM2OPENSSL_TCTI", tpm.tcti().to_string())
            .current_dir(&self.0))
    }

    /// A certificate authority, `ca.pem` and `ca.key`, and a server's `server.pem` and `server.key` for "localhost".
    pub fn make_ca(&self) {
        self.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=Test_CA -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign");
        self.openssl("req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj /CN=localhost");
        self.write(
            "server.ext",
            "basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n",
        );
        self.openssl("x509 -req -in server.csr -CA ca.pem -CAkey ca.key -days 2 -out server.pem -extfile server.ext -set_serial 2");
    }

    /// Certifies `name.csr` as a client, into `name.pem`.
    pub fn certify_client(&self, name: &str) {
        self.write("client.ext", "basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n");
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -days 2 -out {name}.pem -extfile client.ext -set_serial 3"
        ));
    }

    pub fn folder(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } =
        command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?} failed with {status}\n{stdout}\n{stderr}");
    format!("{stdout}{stderr}")
}

pub fn shared(server: &TestTpm) -> SharedTpm {
    SharedTpm::new(server.connect().unwrap())
}
