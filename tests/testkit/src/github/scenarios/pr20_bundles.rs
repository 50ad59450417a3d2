//! The must-gather bundles of pull request 20: a tar.gz in the artifact's zip, with container logs
//! and inspections, padded to the sizes that the artifacts had.

use std::fmt::Write as _;

use crate::github::archive;
use crate::github::state::Artifact;
use crate::github::time::Ts;

/// What a bundle is made of.
pub struct Bundle {
    /// Service.
    pub service: &'static str,
    /// Bytes of the zip.
    pub size: usize,
    /// The log of its first container: milliseconds before the upload, and text.
    lines: &'static [(i64, &'static str)],
    /// The first container writes as PostgreSQL does.
    postgres: bool,
    /// Names of the containers.
    containers: [&'static str; 3],
}

/// The four bundles.
pub const BUNDLES: [Bundle; 4] = [
    Bundle {
        service: "datastorage",
        size: 7_680,
        lines: &[
            (
                34_831,
                "ERROR:  duplicate key value violates unique constraint \"notification_audit_notification_id_key\" (SQLSTATE 23505)",
            ),
            (
                13_678,
                "ERROR:  duplicate key value violates unique constraint \"uq_workflow_name_version\" (SQLSTATE 23505)",
            ),
            (
                8_802,
                "ERROR:  delete on table \"audit_events\" violates foreign key constraint \"fk_audit_events_parent\" (SQLSTATE 23503)",
            ),
        ],
        postgres: true,
        containers: ["datastorage-postgres", "datastorage-redis", "datastorage"],
    },
    Bundle {
        service: "remediationorchestrator",
        size: 14_950,
        lines: &[
            (
                71_880,
                "ERROR Routing blocked name=rr-p3-c4d141f1-0958 reason=DuplicateInProgress duplicateOf=rr-p2-9a40be77-0958",
            ),
            (53_096, "INFO audit batch written events=31"),
        ],
        postgres: false,
        containers: [
            "remediationorchestrator_datastorage", "remediationorchestrator_postgres",
            "remediationorchestrator_redis",
        ],
    },
    Bundle {
        service: "notification",
        size: 17_920,
        lines: &[
            (18_799, "INFO delivered channel=console notification=partial-failure-1f6a attempt=1"),
            (18_796, "INFO delivered channel=console notification=partial-failure-1f6a attempt=1"),
        ],
        postgres: false,
        containers: ["notification_datastorage", "notification_postgres", "notification_redis"],
    },
    Bundle {
        service: "workflowexecution",
        size: 18_739,
        lines: &[
            (
                35_119,
                "INFO audit query answered correlation_id=wfe-audit-7c1d returned=50 total=212 limit=50 offset=0",
            ),
            (25_683, "WARN slow query took=1.9s statement=\"select from audit_events\""),
        ],
        postgres: false,
        containers: [
            "workflowexecution_datastorage", "workflowexecution_postgres", "workflowexecution_redis",
        ],
    },
];

impl Bundle {
    /// Name of the artifact in a run.
    pub fn artifact_name(&self, run: u64) -> String {
        format!("must-gather-logs-{}-{run}", self.service)
    }

    /// The zip as uploaded at `at`, of exactly the size that it had.
    pub fn zip(&self, at: Ts) -> Vec<u8> {
        // Collected some seconds before it was uploaded.
        let stamp = at.before(5_000).format("%Y%m%d-%H%M%S");
        let name = format!("must-gather-{}-{stamp}.tar.gz", self.service);
        // Logs grow line by line as long as they fit; zeros after the end of the tar do the rest,
        // which every reader ignores.
        let overhead = archive::zip(&[(name.clone(), archive::gzip(&[]))]).len();
        let room = self.size.saturating_sub(overhead);
        let mut filler = 0;
        let mut tar = self.tar(at, &stamp, filler);
        loop {
            let bigger = self.tar(at, &stamp, filler + 1);
            if bigger.len() > room {
                break;
            }
            filler += 1;
            tar = bigger;
        }
        tar.resize(room, 0);
        archive::zip(&[(name, archive::gzip(&tar))])
    }

    fn tar(&self, at: Ts, stamp: &str, filler: i64) -> Vec<u8> {
        let directory = format!("kubernaut-must-gather/{}-integration-{stamp}", self.service);
        let mut files = Vec::new();
        for (index, container) in self.containers.iter().enumerate() {
            let mut log = String::new();
            for number in 0..filler {
                let written = at.before(120_000 - number * 37).millis();
                let _ = writeln!(log, "{written} INFO ready check answered number={number}");
            }
            if index == 0 {
                for (before, line) in self.lines {
                    let at = at.before(*before);
                    let _ = match self.postgres {
                        true => {
                            let millis = at.0.rem_euclid(1000);
                            writeln!(log, "{}.{millis:03} UTC [63] {line}", at.format("%Y-%m-%d %H:%M:%S"))
                        }
                        false => writeln!(log, "{} {line}", at.millis()),
                    };
                }
            }
            files.push((format!("{directory}/{}_{container}_test.log", self.service), log.into_bytes()));
            let inspect = format!(
                "[{{\"Name\":\"{container}_test\",\"State\":{{\"Status\":\"running\",\"ExitCode\":0,\"OOMKilled\":false,\"Restarting\":false}},\"RestartCount\":0}}]\n"
            );
            files.push((
                format!("{directory}/{}_{container}_inspect.json", self.service),
                inspect.into_bytes(),
            ));
        }
        archive::tar(&files)
    }
}

/// Whether an artifact is one of the bundles.
pub fn is_bundle(artifact: &Artifact) -> bool {
    artifact.name.starts_with("must-gather-logs-")
}
