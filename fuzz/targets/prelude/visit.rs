//! One connection to a server that must not hang.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than any answer takes; an input that needs it hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends everything, closes that side, and reads what comes until the server closes too.
pub fn visit(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).expect("the server takes connections");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    let mut answer = Vec::new();
    // The server may have closed it already, which is its right.
    if stream.write_all(bytes).is_ok() && stream.shutdown(Shutdown::Write).is_ok() {
        let read = stream.take(1 << 20).read_to_end(&mut answer);
        if let Err(error) = read {
            use std::io::ErrorKind::{TimedOut, WouldBlock};
            assert!(!matches!(error.kind(), WouldBlock | TimedOut), "the connection neither answers nor ends");
        }
    }
    answer
}
