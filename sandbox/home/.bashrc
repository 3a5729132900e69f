# Interactive shells: terminals in the page, VS Code's, and `bunkhouse exec`.
. /etc/bunkhouse/bashrc
