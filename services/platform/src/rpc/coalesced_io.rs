//! A connection on which answers that are ready together are written together.
//!
//! When a batch is written, a hundred calls wake at once. HTTP/2 would hand each answer to the kernel as soon as it is there, and a
//! system call with its way through TCP is a tenth of all that a call takes. So a write waits until the other tasks that are ready
//! have run, and small pieces are copied into one.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::server::Connected;

/// A connection that gathers what is written to it.
#[derive(Debug)]
pub struct CoalescedIo<S> {
    inner: S,
    /// The other tasks have run since the last flush.
    has_waited: bool,
}

impl<S> CoalescedIo<S> {
    pub const fn over(inner: S) -> Self {
        Self { inner, has_waited: false }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for CoalescedIo<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

/// Writes are not vectored (`is_write_vectored` is false, as by default): HTTP/2 then copies frames below 1 KiB into one buffer, where
/// it would have flushed before and after each of them.
impl<S: AsyncWrite + Unpin> AsyncWrite for CoalescedIo<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if !mem::replace(&mut self.has_waited, true) {
            // A task that is woken while it runs is queued behind all that are ready.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.inner).poll_flush(cx))?;
        self.has_waited = false;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<S: Connected> Connected for CoalescedIo<S> {
    type ConnectInfo = S::ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.inner.connect_info()
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use tokio::{io::AsyncWriteExt, task};

    use super::*;

    /// Keeps what is written, piece by piece.
    #[derive(Clone, Default)]
    struct Written(Rc<RefCell<Vec<String>>>);

    impl AsyncWrite for Written {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            self.0.borrow_mut().push(String::from_utf8_lossy(buf).into_owned());
            Poll::Ready(Ok(buf.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_write_comes_after_all_that_is_ready_and_is_whole() {
        let written = Written::default();
        let mut connection = CoalescedIo::over(written.clone());
        let other = written.clone();
        let tasks = task::LocalSet::new();
        tasks
            .run_until(async {
                let ready = task::spawn_local(async move { other.0.borrow_mut().push("ready".to_owned()) });
                for text in ["one", "two"] {
                    connection.write_all(text.as_bytes()).await.unwrap();
                }
                connection.flush().await.unwrap();
                connection.write_all(b"three").await.unwrap();
                ready.await.unwrap();
            })
            .await;
        assert_eq!(*written.0.borrow(), ["ready", "one", "two", "three"]);
        assert!(!connection.is_write_vectored());
    }
}
