//! The patterns as they are written by hand, on the channels of any peer.

use std::marker::PhantomData;

use super::{Peer, add_one};
use crate::mpsc::{Mpsc, Request};
use crate::oneshot::Oneshot;

/// On the bounded channel `C` and the oneshot `R`.
pub struct ByHand<C, R>(PhantomData<(C, R)>);

impl<C: Mpsc<Request<R>> + Mpsc<u64>, R: Oneshot<u64>> Peer for ByHand<C, R> {
    /// A task for each item is no pipeline any more.
    const CONCURRENT: bool = false;

    type Client = <C as Mpsc<Request<R>>>::Tx;
    type Server = <C as Mpsc<Request<R>>>::Rx;

    fn channel(capacity: usize) -> (Self::Client, Self::Server) {
        <C as Mpsc<Request<R>>>::new(capacity)
    }

    async fn call(client: &mut Self::Client, question: u64) -> u64 {
        let (reply, answer) = R::channel();
        C::send(client, Request { question, reply }).await;
        R::recv(answer).await.expect("the server answers")
    }

    async fn serve(mut server: Self::Server, mut answer: impl FnMut(u64) -> u64 + Send + 'static) {
        while let Some(request) = <C as Mpsc<Request<R>>>::recv(&mut server).await {
            R::send(request.reply, answer(request.question));
        }
    }

    async fn pipeline(
        items: u64,
        _concurrency: usize,
        room: usize,
        mut take: impl FnMut(u64) + Send,
    ) {
        let (mut tx, mut rx) = <C as Mpsc<u64>>::new(room);
        tokio::spawn(async move {
            for number in 0..items {
                <C as Mpsc<u64>>::send(&mut tx, number).await;
            }
        });
        for _ in 0..3 {
            let (mut tx, next) = <C as Mpsc<u64>>::new(room);
            let mut stage = std::mem::replace(&mut rx, next);
            tokio::spawn(async move {
                while let Some(number) = <C as Mpsc<u64>>::recv(&mut stage).await {
                    let number = add_one(number).await;
                    <C as Mpsc<u64>>::send(&mut tx, number).await;
                }
            });
        }
        while let Some(number) = <C as Mpsc<u64>>::recv(&mut rx).await {
            take(number);
        }
    }
}
