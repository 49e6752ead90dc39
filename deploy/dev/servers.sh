#!/usr/bin/env bash
# Gets the real servers that tests and the Kafka demo run, each only when it is not there yet.
# Usage: servers.sh NAME...   with NAME among: kafka prometheus alertmanager chromium
#   kafka         Apache Kafka's jars by Maven into .cache/kafka-VERSION; Java and Maven come from
#                 Debian's packages when absent; KAFKA_VERSION=3.9.1 gets another version
#   prometheus    prometheus and promtool: those on the PATH, else Debian's packages unpacked into
#                 .cache/debian, so that no service is installed or started
#   alertmanager  alertmanager and amtool: likewise
#   chromium      a Chromium or Chrome on the PATH, else Debian's package, installed with its many
#                 libraries and a font: unpacked alone it would not start
# What cannot be had is said in .cache/missing/NAME, which the tests show at their end, and in the
# exit status.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
# shellcheck source=deploy/dev/steps.sh
source deploy/dev/steps.sh
mkdir -p .cache/missing

problem=""

java_is_new_enough() {
    local version
    version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p')
    [[ ${version:-0} -ge 17 ]]
}

has_java_and_maven() {
    if ! java_is_new_enough; then
        apt_install openjdk-17-jre-headless || apt_install default-jre-headless || {
            problem="Java 17 or newer is absent and cannot be installed: $apt_problem"
            return 1
        }
    fi
    if ! command -v mvn >/dev/null; then
        apt_install maven || {
            problem="Maven (mvn) is absent and cannot be installed: $apt_problem"
            return 1
        }
    fi
}

get_kafka() {
    local version folder
    version=$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' deploy/kafka/pom.xml)
    version=${KAFKA_VERSION:-$version}
    folder=.cache/kafka-$version
    if [[ -d $folder ]]; then
        java_is_new_enough || has_java_and_maven
        return
    fi
    has_java_and_maven || return 1
    rm -rf "$folder.part"
    with_progress "getting Apache Kafka $version by Maven (about 45 MB)" .cache/maven.log \
        mvn --batch-mode --no-transfer-progress --file deploy/kafka/pom.xml \
        dependency:copy-dependencies -DincludeScope=runtime -Dkafka.version="$version" \
        -DoutputDirectory="$PWD/$folder.part" || {
        problem="Maven could not get Apache Kafka $version, see .cache/maven.log"
        return 1
    }
    mv "$folder.part" "$folder" # whole or not at all
}

# unpack PACKAGE...: into .cache/debian, without installing.
unpack() {
    local parts=.cache/debian.part
    rm -rf "$parts"
    mkdir -p "$parts" .cache/debian
    (cd "$parts" && with_progress "getting Debian packages: $*" ../apt.log \
        apt-get -q -o APT::Sandbox::User=root download "$@") || {
        apt_problem="apt-get download $* failed, see .cache/apt.log"
        return 1
    }
    local file
    for file in "$parts"/*.deb; do
        dpkg --extract "$file" .cache/debian || {
            apt_problem="dpkg could not extract ${file##*/}"
            return 1
        }
    done
    rm -rf "$parts"
}

has_program() { # NAME: on the PATH or unpacked before
    command -v "$1" >/dev/null || [[ -x .cache/debian/usr/bin/$1 ]]
}

has_prometheus() {
    has_program prometheus && has_program promtool
}

get_prometheus() {
    has_prometheus && return
    get_packages prometheus promtool || return 1
    has_prometheus || {
        problem="Debian's package prometheus holds no prometheus or no promtool"
        return 1
    }
}

# Debian gave the program a prefix, and had it read its default template from one place, wherever
# the program lies. So that folder is copied there when the package is not installed.
alertmanager_share=usr/share/prometheus/alertmanager

has_alertmanager() {
    has_program amtool || return 1
    command -v alertmanager >/dev/null && return
    has_program prometheus-alertmanager && [[ -f /$alertmanager_share/default.tmpl ]]
}

get_alertmanager() {
    has_alertmanager && return
    get_packages prometheus-alertmanager || return 1
    if [[ ! -e /$alertmanager_share ]]; then
        as_root mkdir -p "/$alertmanager_share"
        as_root cp ".cache/debian/$alertmanager_share/"*.tmpl "/$alertmanager_share/"
    fi
    has_alertmanager || {
        problem="Debian's package prometheus-alertmanager lacks its program, amtool or its template"
        return 1
    }
}

has_chromium() {
    local name
    for name in chromium chromium-browser google-chrome-stable google-chrome; do
        command -v "$name" >/dev/null && return
    done
    return 1
}

get_chromium() {
    has_chromium && return
    apt_install chromium fonts-liberation || {
        problem="Chromium is absent and cannot be installed: $apt_problem"
        return 1
    }
}

get_packages() { # PACKAGE [OPTIONAL PACKAGE, which only newer releases have]
    local packages=("$1")
    apt_is_ready || {
        problem="$1 is not installed and Debian's package cannot be had: $apt_problem"
        return 1
    }
    if [[ -n ${2:-} ]] && apt-cache show "$2" >/dev/null 2>&1; then
        packages+=("$2")
    fi
    unpack "${packages[@]}" || {
        problem="Debian's package $1 could not be unpacked: $apt_problem"
        return 1
    }
}

get() {
    case $1 in
        kafka) get_kafka ;;
        prometheus) get_prometheus ;;
        alertmanager) get_alertmanager ;;
        chromium) get_chromium ;;
        *) fail "usage: servers.sh kafka|prometheus|alertmanager|chromium ..." ;;
    esac
}

status=0
for name in "$@"; do
    problem=""
    if get "$name"; then
        rm -f ".cache/missing/$name"
    else
        status=1
        printf '%s\n' "$problem" >".cache/missing/$name"
        say "not available: $name ($problem)"
    fi
done
exit $status
