#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

/// GitHub's clock from now on.
fn clock() -> impl Fn() -> Timestamp + Clone + Send + 'static {
    let start = Instant::now();
    move || now() + SignedDuration::try_from(start.elapsed()).unwrap()
}

/// Sends requests of a priority at once, as tasks, and tells of each when it was sent or refused.
fn crowd(
    budget: &Budget,
    priority: Priority,
    count: usize,
) -> tokio::sync::mpsc::UnboundedReceiver<(Duration, Result<(), Timestamp>)> {
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    let start = Instant::now();
    for _ in 0..count {
        let (budget, tell, clock) = (budget.clone(), tell.clone(), clock());
        tokio::spawn(async move {
            let sent = budget.enter(priority, false, clock).await;
            let _ = tell.send((start.elapsed(), sent.map(drop)));
        });
    }
    told
}

fn now() -> Timestamp {
    "2026-01-23T16:00:00Z".parse().unwrap()
}

fn headers(remaining: u64, reset: i64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("x-ratelimit-limit", 5000.into());
    headers.insert("x-ratelimit-remaining", remaining.into());
    headers.insert("x-ratelimit-reset", (now().as_second() + reset).into());
    headers
}

#[tokio::test(start_paused = true)]
async fn the_most_urgent_goes_first_and_one_that_left_is_passed_over() {
    let budget = Budget::new(1, Pace::default());
    let first = budget.enter(Priority::Refresh, false, now).await.unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    let start = |priority: Priority| {
        let (budget, order) = (budget.clone(), order.clone());
        tokio::spawn(async move {
            let _slot = budget.enter(priority, false, now).await.unwrap();
            order.lock().unwrap().push(priority);
        })
    };
    let tasks: Vec<_> = Priority::ALL.into_iter().map(start).collect();
    let gone = start(Priority::Gating);
    tokio::task::yield_now().await;
    gone.abort();
    drop(first);
    for task in tasks {
        task.await.unwrap();
    }
    let mut want = Priority::ALL.to_vec();
    want.reverse();
    assert_eq!(*order.lock().unwrap(), want);
    assert_eq!(budget.lock().free, 1, "every place is given back");
}

#[tokio::test(start_paused = true)]
async fn a_place_that_was_given_and_not_taken_is_not_lost() {
    let budget = Budget::new(1, Pace::default());
    let first = budget.enter(Priority::Running, false, now).await.unwrap();
    let waiting = {
        let budget = budget.clone();
        tokio::spawn(async move { budget.enter(Priority::Running, false, now).await.map(drop) })
    };
    tokio::task::yield_now().await;
    // It is called, and goes away before it can come.
    drop(first);
    waiting.abort();
    let _ = waiting.await;
    tokio::time::timeout(Duration::from_secs(1), budget.enter(Priority::Refresh, false, now))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_everybody_and_ends() {
    let budget = Budget::new(4, Pace::default());
    let until = now() + jiff::SignedDuration::from_secs(60);
    budget.pause(Some(until));
    budget.pause(None);
    for priority in Priority::ALL {
        assert_eq!(budget.enter(priority, false, now).await.unwrap_err(), until);
    }
    assert!(budget.enter(Priority::Refresh, false, || until).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_last_part_of_an_hour_is_for_what_decides() {
    let budget = Budget::new(4, Pace::default());
    for (remaining, open) in [(2000, 4), (1200, 3), (400, 2), (200, 1), (0, 1)] {
        budget.heard(&headers(remaining, 600));
        let mut through = Vec::new();
        for priority in Priority::ALL {
            if budget.enter(priority, false, now).await.is_ok() {
                through.push(priority);
            }
        }
        assert_eq!(through, Priority::ALL.iter().skip(4 - open).copied().collect::<Vec<_>>(), "{remaining}");
    }
    budget.heard(&headers(4000, 600));
    assert_eq!(budget.rate().unwrap().remaining, 0, "a late answer of the same hour brings nothing back");
    budget.heard(&headers(5000, 4200));
    assert!(budget.enter(Priority::Refresh, false, now).await.is_ok(), "a new hour");
    budget.heard(&headers(10, 600));
    assert_eq!(budget.rate().unwrap().remaining, 5000, "an answer of the hour before");
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_secondary_limit_allows() {
    let budget = Budget::new(10, Pace { per_minute: 600, burst: 20 });
    let start = Instant::now();
    for _ in 0..120 {
        budget.enter(Priority::Running, false, now).await.unwrap();
    }
    let took = start.elapsed().as_secs_f64();
    assert!((9.0..=10.5).contains(&took), "120 points, 20 of them at once, at 10 a second: {took}");
}

#[tokio::test(start_paused = true)]
async fn writes_keep_a_second_between_them() {
    let budget = Budget::new(10, Pace::default());
    let start = Instant::now();
    for _ in 0..4 {
        budget.enter(Priority::Gating, true, now).await.unwrap();
    }
    assert_eq!(start.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_comes_up_holds_those_that_wait_for_their_pace() {
    let budget = Budget::new(10, Pace { per_minute: 60, burst: 0 });
    let clock = clock();
    budget.enter(Priority::Running, false, &clock).await.unwrap();
    let mut told = crowd(&budget, Priority::Running, 10);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let until = clock() + SignedDuration::from_secs(60);
    budget.pause(Some(until));
    let (mut sent, mut held) = (0, 0);
    while let Some((at, result)) = told.recv().await {
        match result {
            Ok(()) => {
                sent += 1;
                assert!(at < Duration::from_millis(2500), "sent {at:?} after the start, at a limit");
            }
            Err(end) => {
                held += 1;
                assert_eq!(end, until);
            }
        }
    }
    assert_eq!((sent, held), (2, 8));
    assert!(budget.enter(Priority::Gating, false, &clock).await.is_err());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(budget.enter(Priority::Refresh, false, &clock).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_urgent_one_overtakes_those_that_wait_for_their_pace() {
    let budget = Budget::new(2, Pace { per_minute: 60, burst: 0 });
    let clock = clock();
    budget.enter(Priority::Running, false, &clock).await.unwrap();
    let mut told = crowd(&budget, Priority::Running, 10);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let asked = Instant::now();
    budget.enter(Priority::Gating, false, &clock).await.unwrap();
    assert!(asked.elapsed() <= Duration::from_millis(501), "{:?}", asked.elapsed());
    let mut all = Vec::new();
    while let Some((at, result)) = told.recv().await {
        result.unwrap();
        all.push(at.as_secs_f64().round() as u64);
    }
    assert_eq!(all, [1, 2, 4, 5, 6, 7, 8, 9, 10, 11], "the third second was the urgent one's");
}

#[tokio::test(start_paused = true)]
async fn reads_do_not_wait_for_the_distance_of_writes() {
    let budget = Budget::new(10, Pace::default());
    let writes: Vec<_> = (0..4)
        .map(|_| {
            let budget = budget.clone();
            tokio::spawn(async move { budget.enter(Priority::Gating, true, now).await.map(drop) })
        })
        .collect();
    tokio::task::yield_now().await;
    let asked = Instant::now();
    for _ in 0..5 {
        budget.enter(Priority::Refresh, false, now).await.unwrap();
    }
    assert_eq!(asked.elapsed(), Duration::ZERO);
    for write in writes {
        write.await.unwrap().unwrap();
    }
    assert_eq!(asked.elapsed().as_secs(), 3);
}

/// An hour in which as much is asked as may be, by GitHub's count.
async fn hour(priority: Priority, unmodified: bool) -> Vec<(u64, u64)> {
    let budget = Budget::new(10, Pace::default());
    let clock = clock();
    let (start, mut left, mut sent) = (Instant::now(), 5000, vec![0_u64; 6]);
    budget.heard(&headers(left, 3600));
    while start.elapsed() < Duration::from_secs(3599) {
        match budget.enter(priority, false, &clock).await {
            Ok(_slot) => {
                if unmodified {
                    budget.uncounted();
                } else {
                    left -= 1;
                }
                budget.heard(&headers(left, 3600));
                if let Some(n) = sent.get_mut(start.elapsed().as_secs() as usize / 600) {
                    *n += 1;
                }
            }
            Err(until) => {
                let wait = until.duration_since(clock()).max(SignedDuration::from_secs(1));
                tokio::time::sleep(wait.try_into().unwrap()).await;
            }
        }
        if left == 0 {
            break;
        }
    }
    sent.into_iter().zip(1..).map(|(n, at)| (at, n)).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_an_hour_is_spread_over_it() {
    let sent = hour(Priority::Running, false).await;
    assert!(sent.iter().all(|(_, n)| *n >= 300), "each ten minutes have some: {sent:?}");
    assert!(sent[0].1 <= 2000, "a burst, and then a share: {sent:?}");
    let total: u64 = sent.iter().map(|(_, n)| n).sum();
    assert!((4400..=4501).contains(&total), "all but what is kept for verdicts: {sent:?}");
}

#[tokio::test(start_paused = true)]
async fn verdicts_take_what_they_need_and_leave_some_for_the_end_of_the_hour() {
    let sent = hour(Priority::Gating, false).await;
    assert!(sent[0].1 >= 3750, "as many as come: {sent:?}");
    assert!(sent[1..].iter().all(|(_, n)| *n >= 100), "none waits for an hour: {sent:?}");
}

#[tokio::test(start_paused = true)]
async fn what_github_does_not_count_is_bound_by_the_minute_alone() {
    let sent = hour(Priority::Running, true).await;
    assert!(sent.iter().all(|(_, n)| *n >= 7900), "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn a_budget_is_idle_when_nothing_is_lost_with_it() {
    let budget = Budget::new(1, Pace::default());
    assert!(budget.is_idle(now()));
    let slot = budget.enter(Priority::Gating, false, now).await.unwrap();
    assert!(!budget.is_idle(now()), "a request is on its way");
    drop(slot);
    budget.heard(&headers(2000, 600));
    assert!(!budget.is_idle(now()), "what is left would be forgotten");
    let later = now() + SignedDuration::from_secs(600);
    assert!(budget.is_idle(later));
    budget.pause(Some(later));
    assert!(!budget.is_idle(now()) && budget.is_idle(later));
}
