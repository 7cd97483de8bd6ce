#!/usr/bin/python3
"""Gives a host of a fleet a command over Kafka, waits for its one answer, and shows the events that the command caused.

Needs Debian's python3-confluent-kafka. The shapes are those of docs/schemas/command.json and docs/schemas/result.json.
Exit status: 0 when it was done, 1 when it was not or no answer came in time.
"""

import argparse
import json
import sys
import time
import uuid

from confluent_kafka import Consumer, Producer, TopicPartition


def partitions(consumer, topic):
    """Every partition of a topic, from its beginning: an answer to a command that was sent before lies there already."""
    found = consumer.list_topics(topic, timeout=20).topics[topic].partitions
    return [TopicPartition(topic, number, 0) for number in found]


def records(settings, topic, seconds):
    """What is committed on a topic, as it comes, for so many seconds."""
    consumer = Consumer({**settings, "group.id": "drive-" + uuid.uuid4().hex, "isolation.level": "read_committed",
                         "auto.offset.reset": "earliest", "enable.auto.commit": False})
    consumer.assign(partitions(consumer, topic))
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            record = consumer.poll(0.2)
            if record is not None and record.error() is None:
                yield record
    finally:
        consumer.close()


def header(record, name):
    return next((value.decode() for key, value in record.headers() or [] if key == name), "")


def send(settings, topic, host, command):
    failures = []
    producer = Producer({**settings, "acks": "all", "enable.idempotence": True})
    producer.produce(topic, key=host, value=json.dumps(command),
                     on_delivery=lambda error, _: failures.append(error) if error else None)
    if producer.flush(20) or failures:
        sys.exit(f"drive-a-host: not sent: {failures or 'the brokers do not answer'}")


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--brokers", required=True, metavar="HOST:PORT,...")
    words.add_argument("--prefix", default="wharf", help="what the names of the topics begin with")
    words.add_argument("--principal", default="ops", help="who commands; see commands.allow")
    words.add_argument("--id", default=str(uuid.uuid4()), help="sent again with the same id, nothing is done twice")
    words.add_argument("--wait", type=float, default=60, metavar="SECONDS")
    words.add_argument("host", help="the host's id, as wharf fleet hosts shows it")
    words.add_argument("kind", help="such as container.stop")
    words.add_argument("data", nargs="?", default="{}", help="JSON, see docs/schemas/commands")
    given = words.parse_args()

    settings = {"bootstrap.servers": given.brokers}
    send(settings, given.prefix + ".commands", given.host,
         {"id": given.id, "v": 1, "kind": given.kind, "principal": given.principal, "data": json.loads(given.data)})
    for record in records(settings, given.prefix + ".results", given.wait):
        if header(record, "correlationid") == given.id:
            break
    else:
        sys.exit(f"drive-a-host: no answer yet; the host may be away, ask again with --id {given.id}")

    answer = json.loads(record.value())
    print(answer["outcome"], answer.get("reason", ""))
    missing = set(answer.get("events", []))
    if missing:
        # Everything that a command caused is published before its answer.
        for record in records(settings, given.prefix + ".events", 20):
            if header(record, "ce_id") in missing:
                missing.remove(header(record, "ce_id"))
                print(header(record, "ce_id"), header(record, "ce_type"), header(record, "ce_subject"))
                if not missing:
                    break
    sys.exit(0 if answer["outcome"] == "DONE" else 1)


if __name__ == "__main__":
    main()
