#!/bin/sh
# Outlives the process that started it, and then stops that process's servers. The lines on its standard input are
# "add <pid> <signal>" and "remove <pid>"; the end of the input means that the parent is gone, however it died.
servers=""
while read -r verb pid signal; do
  case "$verb" in
    add) servers="$servers $pid:$signal" ;;
    remove)
      kept=""
      for server in $servers; do
        [ "${server%%:*}" = "$pid" ] || kept="$kept $server"
      done
      servers="$kept"
      ;;
  esac
done
for server in $servers; do kill -s "${server##*:}" "${server%%:*}" 2>/dev/null; done
tries=0
while [ $tries -lt 50 ]; do
  alive=""
  for server in $servers; do kill -s 0 "${server%%:*}" 2>/dev/null && alive="$alive $server"; done
  [ -z "$alive" ] && exit 0
  servers="$alive"
  tries=$((tries + 1))
  sleep 0.2
done
for server in $servers; do kill -s KILL "${server%%:*}" 2>/dev/null; done
