//! Clients that ask without a pause while versions change.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use super::ground::Ground;

/// Of each sort: those that keep their connection, and those that make one for each request.
const CLIENTS: usize = 32;
const SWITCHES: usize = 8;

#[test]
fn no_request_fails_over_eight_switches() {
    let ground = Ground::new();
    ground.switch("0").expect("it serves");
    let port = ground.record().port;
    let (over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for number in 0..2 * CLIENTS {
            let (over, answered) = (&over, &answered);
            scope.spawn(move || {
                let mut client = super::client::Client::new(port);
                while !over.load(Ordering::SeqCst) {
                    let answer = if number % 2 == 0 { client.get("/") } else { client.get_once("/") };
                    // a panic here would leave the switches running: the thread that switches looks at the count
                    match answer {
                        Ok(answer) if answer.status == 200 => answered.fetch_add(1, Ordering::SeqCst),
                        wrong => {
                            over.store(true, Ordering::SeqCst);
                            panic!("{wrong:?}");
                        }
                    };
                }
            });
        }
        for version in 1..=SWITCHES {
            if let Err(error) = ground.switch(&version.to_string()) {
                over.store(true, Ordering::SeqCst);
                panic!("{error}: {:?}", error.tail);
            }
        }
        over.store(true, Ordering::SeqCst);
    });
    assert!(answered.load(Ordering::SeqCst) > SWITCHES * CLIENTS, "{answered:?}");
}
