//! Connections: up to a number, dropped when they dawdle over a header or stay for ever, ended in order when the service
//! stops. When one more comes, the one that came first goes: a crowd that says nothing cannot keep others out.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{oneshot, watch},
};

use super::tls::Tls;

/// How long a connection may last, whatever happens on it: one that does not take its answer would last for ever.
const LIFETIME: Duration = Duration::from_secs(300);
/// How long a client may take for a request's header, and how long a connection may be idle.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of the largest header.
const MAX_HEADER: usize = 32 * 1024;
/// How long running requests may take after the service is told to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause after a failed accept: the system is out of file descriptors, and asking again at once does not help.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    router: Router,
    connections: usize,
    mut stop: watch::Receiver<bool>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(MAX_HEADER);
    // Simple clients close their sending side after the request, and still want the answer.
    http.half_close(true);
    let graceful = GracefulShutdown::new();
    let seats = Arc::new(Seats { limit: connections.max(1), taken: Mutex::default() });
    let mut number = 0u64;
    loop {
        tokio::select! {
            accepted = accept(&listener) => match accepted {
                Ok(stream) => {
                    number = number.wrapping_add(1);
                    let (seat, sent_away) = seats.take(number);
                    let connection = converse(stream, tls.clone(), router.clone(), http.clone(), graceful.watcher());
                    tokio::spawn(async move {
                        tokio::select! {
                            // A client that goes away or talks nonsense is its own problem.
                            ended = connection => if let Err(error) = ended {
                                tracing::debug!(%error, "connection ended");
                            },
                            _ = sent_away => tracing::debug!("connection closed: there were too many"),
                            () = tokio::time::sleep(LIFETIME) => tracing::debug!("connection closed: it was too old"),
                        }
                        drop(seat);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            _ = stop.changed() => break,
        }
    }
    drop(listener);
    if tokio::time::timeout(STOP_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were cut off at the stop");
    }
}

/// Serves one connection to its end; routes see the certificate that the client has shown.
async fn converse(
    stream: TcpStream,
    tls: Option<Tls>,
    router: Router,
    http: http1::Builder,
    watcher: Watcher,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let Some(tls) = tls else {
        let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
        return Ok(watcher.watch(connection).await?);
    };
    let (stream, client) = tls.accept(stream).await?;
    let router = match client {
        Some(certificate) => router.layer(Extension(certificate)),
        None => router,
    };
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    Ok(watcher.watch(connection).await?)
}

async fn accept(listener: &TcpListener) -> std::io::Result<TcpStream> {
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Who is connected, in the order in which they came; whoever loses the sender is sent away.
struct Seats {
    limit: usize,
    taken: Mutex<BTreeMap<u64, oneshot::Sender<()>>>,
}

/// A place among the connections, given back when it is dropped.
struct Seat {
    seats: Arc<Seats>,
    number: u64,
}

impl Seats {
    fn taken(&self) -> MutexGuard<'_, BTreeMap<u64, oneshot::Sender<()>>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more, for which the one that came first goes if there is none left.
    fn take(self: &Arc<Self>, number: u64) -> (Seat, oneshot::Receiver<()>) {
        let (sender, sent_away) = oneshot::channel();
        let mut taken = self.taken();
        while taken.len() >= self.limit {
            taken.pop_first();
        }
        taken.insert(number, sender);
        (Seat { seats: Arc::clone(self), number }, sent_away)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.taken().remove(&self.number);
    }
}
