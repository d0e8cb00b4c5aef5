#!/usr/bin/env bash
# RabbitMQ with STOMP over WebSockets at 127.0.0.1:15674, for examples/dialogue/stomp.toml: rabbitmq.sh FOLDER
#
# What it keeps lies in the folder. It ends with its process, which becomes the server; Erlang's port mapper must run.
set -euo pipefail

dir=$1
printf '%s\n' 'listeners.tcp = none' 'stomp.listeners.tcp = none' 'web_stomp.tcp.ip = 127.0.0.1' 'web_stomp.tcp.port = 15674' \
  'log.console = false' 'log.file = false' >"$dir/rabbitmq.conf"
echo '[rabbitmq_web_stomp].' >"$dir/enabled_plugins"
export HOME=$dir RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_CONFIG_FILE=$dir/rabbitmq.conf RABBITMQ_ENABLED_PLUGINS_FILE=$dir/enabled_plugins
export RABBITMQ_MNESIA_BASE=$dir/mnesia RABBITMQ_LOG_BASE=$dir/log RABBITMQ_PID_FILE=$dir/pid RABBITMQ_NODENAME=everwire@localhost
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}' ERL_EPMD_ADDRESS=127.0.0.1
# Then the script becomes the server, and its process is the one to signal.
export RUNNING_UNDER_SYSTEMD=true
# The command in the system's path changes the user first.
exec /usr/lib/rabbitmq/bin/rabbitmq-server
