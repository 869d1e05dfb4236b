//! What responses carry.

use std::{
    fs::File,
    io::{self, Read},
    pin::Pin,
    task::{Context, Poll},
};

use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tokio::sync::mpsc;

use super::activity::{Activity, Busy};

/// How much of a file is read at once.
const CHUNK: u64 = 64 << 10;

/// The body of a response.
pub(super) enum Body {
    /// Bytes in memory; taken when they are sent.
    Bytes(Bytes),
    /// So many bytes of an open file from where it stands. They come out of the page cache or off a local disk in short
    /// reads, which costs less than a thread and a channel for each download.
    File { file: File, left: u64 },
    /// What another thread reads from the upstream index.
    Stream { chunks: mpsc::Receiver<io::Result<Bytes>>, activity: Activity, waiting: Option<Busy> },
}

impl Body {
    pub(super) fn empty() -> Self {
        Self::Bytes(Bytes::new())
    }

    pub(super) fn stream(chunks: mpsc::Receiver<io::Result<Bytes>>, activity: Activity) -> Self {
        Self::Stream { chunks, activity, waiting: None }
    }

    /// Its length in bytes, where it is known.
    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::File { left, .. } => Some(*left),
            Self::Stream { .. } => None,
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::File { left: 0, .. } => Poll::Ready(None),
            Self::File { file, left } => {
                let mut buffer = Vec::new();
                let read = file.take((*left).min(CHUNK)).read_to_end(&mut buffer);
                Poll::Ready(Some(match read {
                    Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(n) => {
                        *left -= n as u64;
                        Ok(Frame::data(buffer.into()))
                    }
                    Err(error) => Err(error),
                }))
            }
            Self::Stream { chunks, activity, waiting } => match chunks.poll_recv(cx) {
                Poll::Ready(chunk) => {
                    *waiting = None;
                    Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
                }
                Poll::Pending => {
                    // It is upstream that is slow, not the client.
                    waiting.get_or_insert_with(|| activity.busy());
                    Poll::Pending
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.length() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.length().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
