//! The control socket in a running panel's folder: one request as a line of JSON, then lines until the answer.
//!
//! Only the folder's owner can open it (mode 0600, in a folder of mode 0700), so whoever writes to it may do what the
//! panel may. A line has a limit, and so have the connections. A client that goes away stops nothing: its request
//! is carried out. Stale sockets of a killed panel are replaced, which is safe because the folder is locked.

use std::fs::{self, File, Permissions};
use std::io::ErrorKind;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::Progress;
use super::answer::Answer;
use super::desk::Desk;
use super::request::{Line, Refused, Request};
use crate::limits;

const NAME: &str = "control.sock";

/// The socket's path by way of the open folder: a path of any length fits the 108 bytes of a socket's address.
struct Reachable {
    path: PathBuf,
    _folder: File,
}

fn reachable(folder: &Path) -> std::io::Result<Reachable> {
    let folder = File::open(folder)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}/{NAME}", folder.as_raw_fd()));
    Ok(Reachable { path, _folder: folder })
}

/// Listens until `stop`; the task ends when the connections it has are served.
pub fn serve(
    folder: &Path,
    desk: Arc<Desk>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    let at = reachable(folder)?;
    match fs::remove_file(&at.path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&at.path)?;
    fs::set_permissions(&at.path, Permissions::from_mode(0o600))?;
    Ok(tokio::spawn(async move {
        let places = Arc::new(Semaphore::new(limits::CONTROL_CONNECTIONS));
        tokio::pin!(stop);
        loop {
            let place = Arc::clone(&places).acquire_owned();
            let (place, stream) = tokio::select! {
                () = &mut stop => break,
                next = async { (place.await, listener.accept().await) } => next,
            };
            let (Ok(place), Ok((stream, _))) = (place, stream) else { continue };
            let desk = Arc::clone(&desk);
            tokio::spawn(async move {
                answer(stream, &desk).await;
                drop(place);
            });
        }
        // A socket that is left behind is replaced at the next start.
        let _ = fs::remove_file(&at.path);
    }))
}

async fn answer(stream: UnixStream, desk: &Desk) {
    let (from, mut to) = stream.into_split();
    let mut line = String::new();
    let read = BufReader::new(from).take(limits::CONTROL_LINE_BYTES).read_line(&mut line).await;
    if !matches!(read, Ok(1..)) {
        return;
    }
    let request: Request = match serde_json::from_str(&line) {
        Ok(request) => request,
        Err(error) => {
            let why = format!("the running panel does not understand this command, it may be older: {error}");
            // Whoever asked may have gone.
            let _ = to.write_all(&encoded(&Line::Refused(Refused(why)))).await;
            return;
        }
    };
    let (told, mut steps) = mpsc::channel(1);
    let progress: Progress = Arc::new(move |done, all| {
        // The next step tells more than one that was lost.
        let _ = told.try_send((done, all));
    });
    let work = desk.perform(request, &progress);
    tokio::pin!(work);
    let outcome = loop {
        tokio::select! {
            outcome = &mut work => break outcome,
            Some((done, all)) = steps.recv() => {
                let _ = to.write_all(&encoded(&Line::Progress(done, all))).await;
            }
        }
    };
    let last = match outcome {
        Ok(answer) => Line::Done(Box::new(answer)),
        Err(refused) => Line::Refused(refused),
    };
    let _ = to.write_all(&encoded(&last)).await;
}

fn encoded(line: &Line) -> Vec<u8> {
    // Only maps with keys that are no texts can't be encoded, and there are none.
    let mut bytes = serde_json::to_vec(line).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// The running panel of a folder; None when none runs there.
pub async fn connect(folder: &Path) -> std::io::Result<Option<UnixStream>> {
    let at = match reachable(folder) {
        // Books in a database may be looked after from a machine where the panel never ran.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        at => at?,
    };
    match UnixStream::connect(&at.path).await {
        Ok(stream) => Ok(Some(stream)),
        // Refused: left behind by a panel that was killed.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sends the request and waits for its answer.
pub async fn ask(stream: UnixStream, request: &Request, progress: &Progress) -> Result<Answer, Refused> {
    let lost = |error| {
        Refused(format!("the connection to the running panel broke; look before you repeat: {error}"))
    };
    let (from, mut to) = stream.into_split();
    let mut bytes = serde_json::to_vec(request).map_err(Refused::by)?;
    bytes.push(b'\n');
    to.write_all(&bytes).await.map_err(lost)?;
    let mut lines = BufReader::new(from);
    loop {
        let mut line = String::new();
        let read = (&mut lines).take(limits::CONTROL_LINE_BYTES).read_line(&mut line).await.map_err(lost)?;
        if read == 0 {
            return Err(lost(ErrorKind::UnexpectedEof.into()));
        }
        match serde_json::from_str(&line).map_err(Refused::by)? {
            Line::Progress(done, all) => progress(done, all),
            Line::Done(answer) => return Ok(*answer),
            Line::Refused(refused) => return Err(refused),
        }
    }
}
