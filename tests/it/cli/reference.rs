//! docs/cli.md says of the command line what the command line says of itself.

use super::*;

#[tokio::test]
async fn every_command_and_flag_is_documented() {
    let page = std::fs::read_to_string(repository("docs/cli.md")).unwrap();
    let flag = regex::Regex::new(r"(?m)^\s+(?:-\w, )?(--[a-z-]+)").unwrap();
    let written = regex::Regex::new(r"`(--[a-z-]+)").unwrap();
    let command = regex::Regex::new(r"(?m)^  ([a-z-]+)  ").unwrap();
    let help = Cli::new(&["--help"]).run().await.out;
    let commands: Vec<&str> = command.captures_iter(&help).map(|c| c.get(1).unwrap().as_str()).collect();
    assert!(commands.contains(&"gate"), "{help}");
    for name in commands.into_iter().filter(|name| *name != "help") {
        let heading = format!("\n## {name}\n");
        let section = page.split_once(&heading).unwrap_or_else(|| panic!("docs/cli.md lacks {name}")).1;
        let section = section.split("\n## ").next().unwrap();
        let help = Cli::new(&[name, "--help"]).run().await.out;
        for found in flag.captures_iter(&help) {
            let flag = &found[1];
            assert!(
                flag == "--help"
                    || section.contains(&format!("`{flag}"))
                    || section.contains(&format!("/{flag}")),
                "docs/cli.md: {name} lacks {flag}"
            );
        }
        for found in written.captures_iter(section) {
            assert!(help.contains(&found[1]), "docs/cli.md: {name} has no {}", &found[1]);
        }
    }
}
