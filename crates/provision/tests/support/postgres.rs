//! A PostgreSQL server that lives as long as its value: Debian's, in a temporary folder, on a socket there.

use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use ironroot_provision::store::Location;

/// Where Debian has each version's programs.
const VERSIONS: &str = "/usr/lib/postgresql";
const DATABASE: &str = "postgres";

pub struct Postgres {
    folder: tempfile::TempDir,
    programs: PathBuf,
    server: Child,
}

/// The folder with initdb and postgres. A machine without them fails the test: it must not pass unseen.
fn programs() -> PathBuf {
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten().map(|version| version.path().join("bin"));
    let mut programs: Vec<PathBuf> = versions.filter(|folder| folder.join("initdb").exists()).collect();
    programs.sort();
    programs.pop().expect("PostgreSQL is not there: apt install postgresql")
}

/// The server refuses to run as root: then it runs as the package's user.
fn as_unprivileged(command: &mut Command) -> &mut Command {
    if let Some(user) = unprivileged() {
        command.uid(user).gid(user);
    }
    command
}

fn unprivileged() -> Option<u32> {
    let id = |arguments: &[&str]| -> u32 {
        let output = Command::new("id").args(arguments).output().unwrap();
        String::from_utf8(output.stdout)
            .unwrap()
            .trim()
            .parse()
            .expect("the package postgresql brings the user postgres")
    };
    (id(&["-u"]) == 0).then(|| id(&["-u", "postgres"]))
}

impl Postgres {
    pub fn start() -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new().prefix("pg").tempdir().unwrap();
        if let Some(user) = unprivileged() {
            chown(folder.path(), Some(user), Some(user)).unwrap();
        }
        let data = folder.path().join("data");
        let mut initdb = Command::new(programs.join("initdb"));
        initdb.args(["--username=ironroot", "--auth=trust", "--no-sync", "--encoding=UTF8", "--no-locale"]);
        initdb.arg("--pgdata").arg(&data).current_dir(folder.path()).stdout(Stdio::null());
        assert!(as_unprivileged(&mut initdb).status().unwrap().success(), "initdb failed");
        let server = Self::serve(&programs, folder.path());
        let postgres = Self { folder, programs, server };
        postgres.wait();
        postgres
    }

    fn serve(programs: &Path, folder: &Path) -> Child {
        let mut server = Command::new(programs.join("postgres"));
        server.arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
        server.args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60"]);
        let log = fs::File::create(folder.join("log")).unwrap();
        server.current_dir(folder).stdout(Stdio::null()).stderr(log);
        as_unprivileged(&mut server).spawn().unwrap()
    }

    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.ready() {
            assert!(Instant::now() < deadline, "{}", fs::read_to_string(self.folder.path().join("log")).unwrap());
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn ready(&self) -> bool {
        let mut ready = Command::new(self.programs.join("pg_isready"));
        ready.arg("--quiet").arg("--host").arg(self.folder.path()).status().unwrap().success()
    }

    /// The server, dead between two moments and back.
    pub fn restart(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
        // What a killed server leaves, the next one clears; its children end by themselves.
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            self.server = Self::serve(&self.programs, self.folder.path());
            let trial = Instant::now();
            while trial.elapsed() < Duration::from_secs(5) {
                if self.ready() {
                    return;
                }
                thread::sleep(Duration::from_millis(50));
            }
            let _ = self.server.kill();
            let _ = self.server.wait();
            assert!(Instant::now() < deadline, "the server does not come back");
        }
    }

    pub fn url(&self) -> String {
        let folder = self.folder.path().to_str().unwrap().replace('/', "%2F");
        format!("postgres://ironroot@{folder}/{DATABASE}")
    }

    pub fn location(&self) -> Location {
        self.url().parse().unwrap()
    }

    /// What psql prints for a statement: columns behind each other with |.
    pub fn psql(&self, statement: &str) -> String {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
        psql.arg("--host").arg(self.folder.path()).args(["--username=ironroot", DATABASE, "--command", statement]);
        let output = psql.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // At once, but not so hard that it leaves its shared memory behind.
        let _ = Command::new("sh").args(["-c", &format!("kill -QUIT {}", self.server.id())]).status();
        let _ = self.server.wait();
    }
}
