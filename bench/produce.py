"""Produces COUNT events of bench/cases.py at RATE per second: `python -m bench.produce BOOTSTRAP TOPIC COUNT RATE`."""

from __future__ import annotations

import asyncio
import sys
import time

from bench.rig import PARTITIONS, event


async def main(bootstrap: str, topic: str, count: int, rate: int) -> None:
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=5, acks=1)
    await producer.start()
    started = time.perf_counter()
    for number in range(count):
        await producer.send(topic, event(number), partition=number % PARTITIONS)
        if number % 50 == 49:
            await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
    await producer.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
