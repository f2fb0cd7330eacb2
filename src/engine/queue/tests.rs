use super::*;
use std::sync::Arc;
use std::thread;

const LONG: Duration = Duration::from_secs(9);

fn filled(capacity: usize, items: std::ops::Range<u32>) -> Queue<u32> {
    fill(Queue::new(capacity, 1), items)
}

fn fill(queue: Queue<u32>, items: std::ops::Range<u32>) -> Queue<u32> {
    items.for_each(|item| queue.push(item, LONG).unwrap());
    queue
}

#[test]
fn a_taker_gets_all_that_is_there_in_order_up_to_its_most() {
    let queue = filled(8, 0..5);
    let mut taken = Vec::new();
    assert!(queue.take(3, &mut taken));
    assert_eq!(taken, [0, 1, 2]);
    taken.clear();
    assert!(queue.take(3, &mut taken));
    assert_eq!(taken, [3, 4]);
}

#[test]
fn those_at_the_front_that_are_over_make_room_for_others() {
    let queue = filled(4, 0..4);
    assert!(matches!(queue.push(4, LONG), Err((Refused::Full(_), 4))));
    assert_eq!(queue.skip(|item| *item < 2 || *item == 3), 2);
    queue.push(4, LONG).unwrap();
    let mut taken = Vec::new();
    assert!(queue.take(9, &mut taken));
    assert_eq!(taken, [2, 3, 4]);
    assert_eq!(queue.skip(|_| true), 0);
}

#[test]
fn the_pace_is_known_once_something_was_measured_or_guessed() {
    let queue = filled(8, 0..1);
    assert_eq!(queue.pace(), None);
    queue.served(0, 4, Duration::from_secs(2));
    assert_eq!(queue.pace(), Some(Duration::from_millis(500)));
}

#[test]
fn it_is_quiet_until_another_waits_or_is_taken_and_a_while_after_that_is_served() {
    let queue = filled(8, 0..1);
    let mut taken = Vec::new();
    assert!(queue.take(3, &mut taken) && queue.is_quiet());
    queue.push(1, LONG).unwrap();
    assert!(!queue.is_quiet());
    assert!(queue.take(3, &mut taken) && !queue.is_quiet());
    queue.served(1, 1, Duration::from_millis(1));
    // It may be a gap among many; the next time it is not.
    assert!(!queue.is_quiet() && queue.is_quiet());
}

#[test]
fn with_a_window_a_taker_waits_for_a_full_batch_and_takes_less_when_it_is_over() {
    let queue = Arc::new(Queue::new(8, 1).with_window(Duration::from_secs(20)));
    let taker = thread::spawn({
        let queue = Arc::clone(&queue);
        move || {
            let mut taken = Vec::new();
            queue.take(3, &mut taken);
            taken
        }
    });
    for item in 0..3 {
        queue.push(item, LONG).unwrap();
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(taker.join().unwrap(), [0, 1, 2]);

    let window = Duration::from_millis(50);
    let started = Instant::now();
    let queue = fill(Queue::new(8, 1).with_window(window), 0..1);
    let mut taken = Vec::new();
    assert!(queue.take(3, &mut taken));
    assert_eq!(taken, [0]);
    assert!(started.elapsed() >= window);
}

#[test]
fn a_window_ends_in_time_for_an_item_that_cannot_wait_as_long() {
    let window = Duration::from_secs(20);
    let started = Instant::now();
    let (short, mut taken) = (Duration::from_millis(10), Vec::new());
    let queue = Queue::new(8, 1).with_window(window);
    queue.push(0, short).unwrap();
    assert!(queue.take(9, &mut taken));
    // One that comes later is waited for no longer either.
    queue.push(1, LONG).unwrap();
    queue.push(2, short).unwrap();
    assert!(queue.take(9, &mut taken));
    assert_eq!(taken, [0, 1, 2]);
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_window_is_over_for_a_taker_that_comes_late_and_for_what_is_left_of_a_batch() {
    let (window, started) = (Duration::from_secs(20), Instant::now());
    let queue = fill(Queue::new(8, 1).with_window(window), 0..3);
    // As if the first item had come that long ago.
    queue.lock().ripe = Some(Instant::now());
    // Two of them are a quarter of a second's work.
    queue.guess(Duration::from_millis(125));
    for batch in [&[0, 1][..], &[2]] {
        let mut taken = Vec::new();
        assert!(queue.take(8, &mut taken));
        assert_eq!(taken, batch);
    }
    assert!(started.elapsed() < window);
    // What comes then opens a window of its own.
    queue.push(3, Duration::MAX).unwrap();
    assert!(queue.lock().ripens_in() > window / 2);
}

#[test]
fn no_window_is_waited_out_where_a_taker_takes_no_more_than_is_there_or_no_more_can_come() {
    let (window, started) = (Duration::from_secs(20), Instant::now());
    let slow = fill(Queue::new(8, 1).with_window(window), 0..2);
    slow.guess(Duration::from_millis(125));
    let full = fill(Queue::new(2, 1).with_window(window), 0..2);
    for queue in [slow, full] {
        let mut taken = Vec::new();
        assert!(queue.take(8, &mut taken));
        assert_eq!(taken, [0, 1]);
    }
    assert!(started.elapsed() < window);
}

#[test]
fn with_a_window_one_taker_gets_the_batch_that_several_waited_for_and_the_others_wait_anew() {
    let window = Duration::from_millis(500);
    let queue = Arc::new(Queue::new(8, 2).with_window(window));
    let (batches, taken) = std::sync::mpsc::channel();
    for _ in 0..2 {
        let (queue, batches) = (Arc::clone(&queue), batches.clone());
        thread::spawn(move || {
            let mut taken = Vec::new();
            queue.take(8, &mut taken);
            batches.send(taken)
        });
    }
    while queue.lock().idle < 2 {
        thread::yield_now();
    }
    for items in [[0, 1], [2, 3]] {
        // The first item wakes one taker, and the second the other.
        for item in items {
            queue.push(item, LONG).unwrap();
        }
        assert_eq!(taken.recv_timeout(LONG).unwrap(), items);
        // The taker that got nothing sleeps by then.
        thread::sleep(2 * window);
    }
}

#[test]
fn a_taker_on_the_lookout_misses_nothing_and_sleeps_when_nothing_comes() {
    for lookout in [Duration::from_secs(20), Duration::from_micros(1)] {
        let queue = Arc::new(Queue::new(8, 2).with_lookout(lookout));
        let takers = [(); 2].map(|()| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                let mut taken = Vec::new();
                while queue.take(1, &mut taken) {}
                taken.len()
            })
        });
        for item in 0..100 {
            while queue.push(item, LONG).is_err() {
                thread::yield_now();
            }
        }
        while !queue.is_empty() {
            thread::yield_now();
        }
        queue.close();
        let taken: usize = takers.map(|taker| taker.join().unwrap()).iter().sum();
        assert_eq!(taken, 100);
    }
}

#[test]
fn idle_takers_share_what_is_there() {
    let queue = filled(8, 0..6);
    queue.lock().idle = 1;
    let mut taken = Vec::new();
    assert!(queue.take(16, &mut taken));
    assert_eq!(taken, [0, 1, 2]);
}

#[test]
fn a_full_queue_refuses_and_a_closed_one_gives_up_what_it_holds_first() {
    let queue = filled(2, 0..2);
    assert_eq!(queue.push(2, LONG), Err((Refused::Full(Duration::ZERO), 2)));
    queue.close();
    assert_eq!(queue.push(2, LONG), Err((Refused::Closed, 2)));
    let mut taken = Vec::new();
    assert!(queue.take(16, &mut taken));
    assert_eq!(taken, [0, 1]);
    assert!(!queue.take(16, &mut taken));
}

#[test]
fn what_would_wait_longer_than_it_can_is_refused_with_how_long_that_is() {
    let queue = filled(8, 0..4);
    let second = Duration::from_secs(1);
    queue.served(2, 2, second);
    assert_eq!(queue.wait(0), 2 * second);
    assert_eq!(
        queue.has_room(3 * second),
        Err(Refused::TooSlow(2 * second))
    );
    assert_eq!(queue.push(4, 4 * second), Ok(()));
    // One at a time, since each takes half a second.
    (0..5).for_each(|_| assert!(queue.take(9, &mut Vec::new())));
    // They are worked on, and nothing waits.
    assert_eq!(queue.wait(0), 2 * second + second / 2);
    assert_eq!(queue.has_room(Duration::ZERO), Ok(()));
    queue.served(5, 5, 5 * second / 2);
    assert_eq!(queue.wait(0), Duration::ZERO);
}

#[test]
fn several_takers_need_a_part_of_the_time_of_one() {
    let queue = fill(Queue::new(9, 4), 0..6);
    let second = Duration::from_secs(1);
    queue.served(0, 1, 2 * second);
    assert_eq!(
        [0, 2].map(|more| queue.wait(more)),
        [3 * second, 4 * second]
    );
    assert_eq!(
        queue.has_room(5 * second),
        Err(Refused::TooSlow(3 * second))
    );
    assert_eq!(queue.has_room(6 * second), Ok(()));
    (0..2).for_each(|_| assert!(queue.take(1, &mut Vec::new())));
    // What is worked on is waited for, but nobody can take it any more.
    assert_eq!([queue.wait(0), queue.lasts()], [3 * second, 2 * second]);
}

#[test]
fn what_was_taken_and_skipped_neither_counts_as_waiting_nor_as_fast() {
    let queue = filled(8, 0..8);
    let second = Duration::from_secs(1);
    queue.served(0, 1, second);
    (0..4).for_each(|_| assert!(queue.take(1, &mut Vec::new())));
    queue.served(4, 0, Duration::ZERO);
    assert_eq!(queue.wait(0), 4 * second);
}

#[test]
fn whoever_waits_for_room_counts_as_waiting_and_is_let_in_first_when_something_leaves() {
    let queue = Arc::new(filled(1, 0..1));
    let second = Duration::from_secs(1);
    queue.served(0, 1, second);
    let waiting = thread::spawn({
        let queue = Arc::clone(&queue);
        move || queue.push_when_room(1, LONG)
    });
    while queue.lock().promised == 0 {
        thread::yield_now();
    }
    assert_eq!((queue.len(), queue.wait(0)), (1, 2 * second));
    let mut taken = Vec::new();
    queue.take(1, &mut taken);
    assert_eq!(queue.push(2, LONG), Err((Refused::Full(2 * second), 2)));
    waiting.join().unwrap();
    queue.take(1, &mut taken);
    assert_eq!(taken, [0, 1]);
}

#[test]
fn closing_wakes_everybody() {
    let queue = Arc::new(filled(1, 0..1));
    let pusher = thread::spawn({
        let queue = Arc::clone(&queue);
        move || queue.push_when_room(1, LONG)
    });
    while queue.lock().promised == 0 {
        thread::yield_now();
    }
    queue.close();
    pusher.join().unwrap();
    assert!(queue.take(9, &mut Vec::new()));
    assert!(!queue.take(9, &mut Vec::new()));
}
