//! Objects, events and descriptions of a cluster.

use super::*;
use crate::evidence::layout::Layout;

const PODS: &str = r#"
apiVersion: v1
kind: PodList
items:
- metadata: {name: api-1, namespace: shop}
  status:
    phase: Running
    conditions:
    - {type: Ready, status: "False", reason: ContainersNotReady, message: "containers with unready status: [api]"}
    containerStatuses:
    - name: api
      ready: false
      restartCount: 7
      state: {waiting: {reason: CrashLoopBackOff, message: "back-off 5m0s restarting failed container"}}
      lastState: {terminated: {reason: OOMKilled, exitCode: 137, finishedAt: "2026-01-23T19:38:45Z"}}
- metadata: {name: web-1, namespace: shop}
  status:
    phase: Pending
    containerStatuses:
    - name: web
      restartCount: 0
      state: {waiting: {reason: ImagePullBackOff, message: "Back-off pulling image \"web:none\""}}
- metadata: {name: db-1, namespace: shop}
  status:
    phase: Pending
    conditions:
    - {type: PodScheduled, status: "False", reason: Unschedulable, message: "0/3 nodes are available: 3 Insufficient cpu."}
- metadata: {name: batch-1, namespace: shop}
  status: {phase: Failed, reason: Evicted, message: "The node was low on resource: memory."}
- metadata: {name: mig-1, namespace: shop}
  status:
    phase: Pending
    initContainerStatuses:
    - {name: migrate, restartCount: 2, state: {terminated: {exitCode: 3, reason: Error}}}
- metadata: {name: good-1, namespace: shop}
  spec: null
  status:
    phase: Running
    conditions: [{type: Ready, status: "True"}]
    containerStatuses: [{name: good, ready: true, restartCount: 0, state: {running: {startedAt: "2026-01-23T19:00:00Z"}}, lastState: {}}]
"#;

#[test]
fn the_states_of_pods_and_containers_become_findings() {
    let found = of(&[("m/img/namespaces/shop/core/pods.yaml", PODS)]);
    assert_eq!(found.layout, Some(Layout::OpenShift));
    let mut told = told(&found);
    told.sort();
    assert_eq!(
        told,
        [
            "CrashLoopBackOff shop/api-1/api [CrashLoopBackOff] x7", "Evicted shop/batch-1 [Evicted] x1",
            "ImagePull shop/web-1/web [ImagePullBackOff] x1",
            "InitContainer shop/mig-1/migrate [exit code 3] x2",
            "NotReady shop/api-1 [ContainersNotReady] x1", "OomKilled shop/api-1/api [OOMKilled] x7",
            "PodPending shop/db-1 [Unschedulable] x1", "PodPending shop/mig-1 [] x1",
            "PodPending shop/web-1 [] x1", "Restarts shop/api-1/api [] x7",
            "Restarts shop/mig-1/migrate [] x2",
        ]
    );
    assert_eq!(found.findings[0].severity, Severity::Critical);
    let killed = found.findings.iter().find(|finding| finding.kind == Kind::OomKilled).unwrap();
    assert_eq!(killed.first_seen.unwrap().to_string(), "2026-01-23T19:38:45Z");
    let line = killed.evidence.line.unwrap() as usize;
    assert!(PODS.lines().nth(line - 1).unwrap().contains("OOMKilled"), "line {line}");
}

#[test]
fn the_same_object_in_two_files_is_one_finding() {
    let pod = r#"{"kind":"Pod","metadata":{"name":"a","namespace":"n"},"status":{"phase":"Running",
        "containerStatuses":[{"name":"c","restartCount":3,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}}"#;
    let list = format!(r#"{{"kind":"List","items":[{pod}]}}"#);
    let found = of(&[("pods.json", &list), ("pods/a.json", pod)]);
    assert_eq!(told(&found), ["CrashLoopBackOff n/a/c [CrashLoopBackOff] x3", "Restarts n/a/c [] x3"]);
}

#[test]
fn warning_events_are_grouped_with_their_counts_and_copies_count_once() {
    let event = |uid: &str, object: &str, count: u64, last: &str| {
        format!(
            "- kind: Event\n  type: Warning\n  reason: BackOff\n  message: Back-off restarting\n  count: {count}\n  \
             metadata: {{name: e, namespace: n, uid: {uid}}}\n  firstTimestamp: 2026-01-23T19:00:00Z\n  \
             lastTimestamp: {last}\n  involvedObject: {{kind: Pod, name: {object}, namespace: n}}\n"
        )
    };
    let normal = "- kind: Event\n  type: Normal\n  reason: Pulled\n  metadata: {uid: z}\n";
    let one = event("u1", "a", 5, "2026-01-23T19:10:00Z");
    let two = event("u2", "a", 2, "2026-01-23T19:20:00Z");
    let three = event("u3", "b", 1, "2026-01-23T19:00:00Z");
    let list = format!("apiVersion: v1\nkind: List\nitems:\n{one}{two}{three}{normal}");
    let wide = format!("apiVersion: v1\nkind: List\nitems:\n{one}");
    let found = of(&[("x/events/events-n.yaml", &list), ("x/events/events-cluster-wide.yaml", &wide)]);
    assert_eq!(told(&found), ["WarningEvent Pod n/a [BackOff] x7", "WarningEvent Pod n/b [BackOff] x1"]);
    let last = found.findings[0].last_seen.unwrap().to_string();
    assert_eq!(last, "2026-01-23T19:20:00Z");
}

#[test]
fn events_of_the_newer_version_and_tables_of_events_are_read() {
    let json = r#"{"kind":"EventList","items":[{"type":"Warning","reason":"FailedMount","note":"no such volume",
        "eventTime":"2026-01-23T19:00:00.000001Z","series":{"count":9,"lastObservedTime":"2026-01-23T19:05:00Z"},
        "regarding":{"kind":"Pod","name":"p","namespace":"n"},"deprecatedCount":null}]}"#;
    let table = "LAST SEEN   TYPE      REASON             OBJECT       MESSAGE\n\
                 2m          Normal    Pulled             pod/x        pulled\n\
                 90s         Warning   FailedScheduling   pod/y        0/3 nodes are available\n";
    let wide = "ns1   90s   Warning   Unhealthy   pod/z   Readiness probe failed\n";
    let found = of(&[("events.json", json), ("events.txt", table), ("events-all.txt", wide)]);
    let told = told(&found);
    assert!(told.contains(&"WarningEvent Pod n/p [FailedMount] x9".to_owned()), "{told:?}");
    assert!(told.contains(&"WarningEvent pod y [FailedScheduling] x1".to_owned()), "{told:?}");
    assert!(told.contains(&"WarningEvent pod ns1/z [Unhealthy] x1".to_owned()), "{told:?}");
}

#[test]
fn workloads_jobs_nodes_and_claims_that_are_not_well_are_told() {
    let text = r#"
kind: Deployment
metadata: {name: api, namespace: n}
spec: {replicas: 3}
status:
  readyReplicas: 1
  conditions: [{type: Progressing, status: "False", reason: ProgressDeadlineExceeded, message: "timed out progressing"}]
---
kind: StatefulSet
metadata: {name: db, namespace: n}
spec: {replicas: 1}
status: {readyReplicas: 1}
---
kind: DaemonSet
metadata: {name: agent, namespace: n}
status: {desiredNumberScheduled: 3, numberReady: 0}
---
kind: Job
metadata: {name: load, namespace: n}
status: {failed: 4, conditions: [{type: Failed, status: "True", reason: BackoffLimitExceeded, message: "Job has reached the specified backoff limit"}]}
---
kind: Node
metadata: {name: node1}
status: {conditions: [{type: Ready, status: Unknown, reason: NodeStatusUnknown}, {type: DiskPressure, status: "True", reason: KubeletHasDiskPressure}, {type: MemoryPressure, status: "False"}]}
---
kind: PersistentVolumeClaim
metadata: {name: data, namespace: n}
status: {phase: Pending}
---
null
---
kind: ReplicaSet
metadata: {name: old, namespace: n}
spec: {replicas: 0}
status: {replicas: 0}
"#;
    let found = of(&[("all.yaml", text)]);
    let mut told = told(&found);
    told.sort();
    assert_eq!(
        told,
        [
            "JobFailed Job n/load [BackoffLimitExceeded] x4",
            "NodeCondition Node node1 [KubeletHasDiskPressure] x1",
            "NodeCondition Node node1 [NodeStatusUnknown] x1",
            "PvcPending PersistentVolumeClaim n/data [Pending] x1",
            "WorkloadUnavailable DaemonSet n/agent [] x3",
            "WorkloadUnavailable Deployment n/api [ProgressDeadlineExceeded] x2",
        ]
    );
}

#[test]
fn a_description_of_a_pod_is_read_like_its_status() {
    let text = "Name:         api-1\nNamespace:    shop\nStatus:       Running\nInit Containers:\n  setup:\n    \
                State:          Terminated\n      Reason:       Error\n      Exit Code:    2\nContainers:\n  api:\n    \
                Image:          api:1\n    State:          Waiting\n      Reason:       CrashLoopBackOff\n    \
                Last State:     Terminated\n      Reason:       OOMKilled\n      Exit Code:    137\n    \
                Restart Count:  5\nEvents:\n  Type     Reason   Age                 From     Message\n  \
                ----     ------   ----                ----     -------\n  \
                Warning  BackOff  3m2s (x12 over 8m)  kubelet  Back-off restarting failed container\n";
    // Whatever the file says: what is told of was met.
    let never = of(&[("b/logs/shop/api-1/describe.txt", text.replace("x12", "x0").as_str())]);
    assert!(never.findings.iter().all(|finding| finding.count >= 1), "{:?}", never.findings);
    let found = of(&[("b/logs/shop/api-1/describe.txt", text)]);
    let mut told = told(&found);
    told.sort();
    assert_eq!(
        told,
        [
            "ContainerExited shop/api-1/api [exit code 137] x1",
            "CrashLoopBackOff shop/api-1/api [CrashLoopBackOff] x1",
            "InitContainer shop/api-1/setup [exit code 2] x1", "OomKilled shop/api-1/api [OOMKilled] x1",
            "Restarts shop/api-1/api [] x5", "WarningEvent Pod shop/api-1 [BackOff] x12",
        ]
    );
}

#[test]
fn objects_that_are_broken_or_too_large_are_read_as_lines_and_said_to_be() {
    let broken =
        "{\"items\": [\nE0123 19:38:45.000000 1 main.go:1] dial tcp 10.0.0.1:5432: connection refused\n";
    let found = of(&[("dump.json", broken)]);
    assert!(found.incomplete && warns(&found, "dump.json: it is not whole JSON"), "{:?}", found.warnings);
    assert_eq!(told(&found), ["Dependency dump [connection refused] x1"]);
    let limits = Limits { objects: 16, ..Limits::default() };
    let mut analyser = Analyser::new(Options::default(), limits);
    analyser.entry("big.yaml", &b"kind: List\nitems: []\nERROR: boom\n"[..]);
    let found = analyser.finish();
    assert!(found.incomplete && warns(&found, "read as lines only"));
    assert_eq!(told(&found), ["ErrorLine big [] x1"]);
}

#[test]
fn what_the_collection_says_of_itself_is_told() {
    let found =
        of(&[("x/collection-metadata.json", r#"{"errors":["cannot list tekton runs"],"versions":{}}"#)]);
    assert_eq!(told(&found), ["Collection must-gather [cannot list tekton runs] x1"]);
    assert_eq!(found.layout, Some(Layout::KubernautBundle));
}
