//! Two futures, and which was ready first.

use std::{future::poll_fn, pin::pin, task::Poll};

/// Which of two futures was ready first.
pub(crate) enum First<L, R> {
    /// The left one, which is asked first.
    Left(L),
    /// The right one.
    Right(R),
}

/// Waits for either; the other is dropped.
pub(crate) async fn race<L: Future, R: Future>(left: L, right: R) -> First<L::Output, R::Output> {
    let (mut left, mut right) = (pin!(left), pin!(right));
    poll_fn(|cx| match left.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(First::Left(output)),
        Poll::Pending => right.as_mut().poll(cx).map(First::Right),
    })
    .await
}
