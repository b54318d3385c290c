"""The list of every private thing of Faust and aiokafka that Forwarder relies on. Data only; the contract tests check it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Private:
    """`target` is `module:name`. `parameters` are its names, where we call or override it. `markers` are pieces of its source
    that must be there, in this order. `why` says what breaks otherwise."""

    target: str
    why: str
    parameters: tuple[str, ...] | None = None
    markers: tuple[str, ...] = ()


_FETCHER = "aiokafka.consumer.fetcher"
_DRIVER = "faust.transport.drivers.aiokafka"
_CONSUMER = "faust.transport.consumer"
_COORDINATOR = "aiokafka.consumer.group_coordinator"

PRIVATE: tuple[Private, ...] = (
    Private(
        "faust.tables.recovery:Recovery",
        "the end-of-recovery signal may be cleared before anybody waits for it: RecoveryWatch gives it again",
        markers=(
            "self.signal_recovery_end.wait()",
            "Done reading from changelog topics",
            "self.signal_recovery_end.set()",
            "self.signal_recovery_end.clear()",
        ),
    ),
    Private(
        f"{_FETCHER}:FetchResult.getall",
        "wrapped: the position guard reads the fetch position before and after it",
        ("self", "max_records"),
        ("self.check_assignment(tp)", "self._partition_records", "self._update_position()"),
    ),
    Private(
        f"{_FETCHER}:PartitionRecords.__init__",
        "the position guard reads next_fetch_offset and finds its consumer by the deserializer",
        markers=("self._value_deserializer = value_deserializer", "self.next_fetch_offset = fetch_offset"),
    ),
    Private(
        f"{_FETCHER}:PartitionRecords._unpack_records",
        "markers, aborted batches and compaction advance next_fetch_offset without a record",
        markers=(
            "self.next_fetch_offset = next_batch.next_offset\n                    continue",
            "if next_batch.is_control_batch:",
            "self.next_fetch_offset = record.offset + 1",
            "self.next_fetch_offset = next_batch.next_offset",
        ),
    ),
    Private(
        f"{_FETCHER}:PartitionRecords._consumer_record",
        "a deserializer that is false is never called",
        markers=("if self._value_deserializer:",),
    ),
    Private(
        f"{_FETCHER}:Fetcher.fetched_records",
        "hands the list that getall returned to the consumer as it is",
        markers=("type(res_or_error) is FetchResult", "res_or_error.getall(max_records)", "drained[tp] = records"),
    ),
    Private(
        f"{_FETCHER}:Fetcher.seek_to",
        "the exact seek, also to 0; drops what was fetched for the old position",
        ("self", "tp", "offset"),
        ("self._subscriptions.seek(tp, offset)", "del self._records[tp]"),
    ),
    Private(
        "aiokafka.consumer.consumer:AIOKafkaConsumer.start",
        "attributes set after construction reach the fetcher: isolation, fetch size and wait, the position guard",
        markers=(
            "value_deserializer=self._value_deserializer",
            "fetch_min_bytes=self._fetch_min_bytes",
            "fetch_max_wait_ms=self._fetch_max_wait_ms",
            "isolation_level=self._isolation_level",
        ),
    ),
    Private(
        "aiokafka.consumer.consumer:AIOKafkaConsumer.stop",
        "what is left to close when the fetcher ends in a stray cancellation",
        ("self",),
        ("await self._coordinator.close()", "await self._fetcher.close()", "await self._client.close()"),
    ),
    Private(
        "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread.on_thread_stop",
        "overridden: the consumer is closed by us",
        ("self",),
        ("await super().on_thread_stop()", "if self._consumer is not None:", "await self._consumer.stop()"),
    ),
    Private(
        "aiokafka.consumer.subscription_state:TopicPartitionState.__init__",
        "the readable end is taken from the newest fetch response",
        markers=("self.highwater = None", "self.lso = None"),
    ),
    Private(
        "aiokafka.consumer.consumer:AIOKafkaConsumer.last_stable_offset",
        "the way to that state; we go it without the check that raises between assignments",
        ("self", "partition"),
        ("assignment = self._subscription.subscription.assignment", "assignment.state_value(partition).lso"),
    ),
    Private("aiokafka.consumer.subscription_state:Assignment.state_value", "the way to that state", ("self", "tp")),
    Private("aiokafka.consumer.subscription_state:SubscriptionState.is_assigned", "no seek after a revoke", ("self", "tp")),
    Private(
        "aiokafka.conn:create_conn",
        "the only call that raises the real reason of a failed connection",
        markers=("host,", "port,", "request_timeout_ms", "await conn.connect()"),
    ),
    Private(
        f"{_DRIVER}:AIOKafkaConsumerThread._create_worker_consumer",
        "overridden: Faust has no setting for isolation and fetch wait",
        ("self", "transport"),
        ("aiokafka.AIOKafkaConsumer(",),
    ),
    Private(f"{_DRIVER}:AIOKafkaConsumerThread._ensure_consumer", "the aiokafka consumer", ("self",)),
    Private(
        f"{_COORDINATOR}:GroupCoordinator.commit_offsets",
        "a commit that the group refuses is a CommitFailedError: the fence",
        ("self", "assignment", "offsets"),
        ("Errors.UnknownMemberIdError", "Errors.IllegalGenerationError", "Errors.RebalanceInProgressError",
         "raise Errors.CommitFailedError("),
    ),
    Private(
        f"{_COORDINATOR}:GroupCoordinator.fetch_committed_offsets",
        "the text that was committed beside an offset; aiokafka's `committed` drops it",
        ("self", "partitions"),
        ("await self.ensure_coordinator_known()", "await self._do_fetch_commit_offsets(partitions)"),
    ),
    Private(
        f"{_COORDINATOR}:GroupCoordinator.ensure_active_group",
        "wrapped: every join of a static member goes through its place",
        ("self", "subscription", "prev_assignment"),
        ("await self._do_rejoin_group(subscription)",),
    ),
    Private(
        f"{_COORDINATOR}:GroupCoordinator._do_heartbeat",
        "wrapped: a heartbeat that was answered says that the group still knew us",
        ("self",),
        ("return True", "self.reset_generation()"),
    ),
    Private(
        f"{_COORDINATOR}:GroupCoordinator.reset_generation",
        "a place that was lost shows as a member without an id",
        ("self",),
        ("self.member_id = JoinGroupRequest.UNKNOWN_MEMBER_ID",),
    ),
    Private(
        f"{_COORDINATOR}:GroupCoordinator.close",
        "a coordinator whose place is shut waits for _closing, and nothing joins after it",
        ("self",),
        ("self._closing.set_result(None)", "await self._coordination_task"),
    ),
    Private(
        f"{_COORDINATOR}:CoordinatorGroupRebalance.perform_group_join",
        "a join that is fenced raises a KafkaError whose text names the error",
        ("self",),
        ("Errors.for_code(response.error_code)", "raise Errors.KafkaError(repr(err))"),
    ),
    Private(
        f"{_DRIVER}:AIOKafkaConsumerThread.on_start",
        "extended: the coordinator exists once the consumer is started, and joins nothing before Faust subscribes",
        ("self",),
        ("self._create_consumer(", "await self._consumer.start()"),
    ),
    Private(f"{_DRIVER}:Consumer._new_consumer_thread", "overridden: our thread", ("self",)),
    Private(f"{_DRIVER}:Consumer._to_message", "overridden: a chunk is one message", ("self", "tp", "record")),
    Private(
        f"{_DRIVER}:Producer.create_topic",
        "overridden: topics are made before Faust starts",
        markers=("ensure_created",),
    ),
    Private(
        f"{_CONSUMER}:Consumer.perform_seek",
        "overridden: the exact seek; Faust's sets _read_offset from the group's offsets",
        ("self",),
        ("read_offset = self._read_offset", "await self.seek_to_committed()", "read_offset.update("),
    ),
    Private(
        f"{_CONSUMER}:Consumer.getmany",
        "what is fetched for a buffered partition is still handed over, for a paused one it is dropped",
        ("self", "timeout"),
        (
            "self.scheduler.iterate(records)",
            "tp in active_partitions",
            "tp in self._buffered_partitions",
            "highwater_mark = self.highwater(tp)",
        ),
    ),
    Private(
        f"{_CONSUMER}:Consumer.on_buffer_full",
        "our pause",
        ("self", "tp"),
        ("active_partitions.discard(tp)", "self._buffered_partitions.add(tp)"),
    ),
    Private(
        f"{_CONSUMER}:Consumer.on_buffer_drop",
        "our resume; overridden so that Faust's own does not end our pause",
        ("self", "tp"),
        ("active_partitions.add(tp)", "buffered_partitions.discard(tp)"),
    ),
    Private(
        f"{_CONSUMER}:Consumer.on_partitions_revoked",
        "overridden: a rebalance forgets all pauses",
        ("self", "revoked"),
        ("await T(self._on_partitions_revoked, partitions=revoked)(revoked)",),
    ),
    Private(
        "mode.threads:ServiceThread.__init__",
        "the thread has a loop of its own: commits run in it beside Faust's queue, whose two workers a hanging one would hold",
        markers=("self.thread_loop = thread_loop or asyncio.new_event_loop()",),
    ),
    Private(
        "mode.threads:QueueServiceThread.call_thread",
        "runs the exact seek in the consumer's thread",
        ("self", "fun", "args", "kwargs"),
    ),
    Private("faust.app.base:App._new_transport", "overridden: our transport", ("self",)),
    Private("faust.app.base:App._new_producer_transport", "overridden: our transport", ("self",)),
    Private(
        "faust.app.base:App._on_partitions_revoked",
        "overridden: a revoke during a stop waits for the drain",
        ("self", "revoked"),
        ("if self.should_stop:", "return self._on_rebalance_when_stopped()", "self.on_partitions_revoked.send"),
    ),
    Private(
        "faust.app.base:App._on_rebalance_when_stopped",
        "overridden: the consumer is closed in order, so that it leaves the group",
        ("self",),
        ("self.consumer.close()",),
    ),
    Private(
        "faust.app.base:App.on_stop",
        "the drain runs while consumer and producer still work",
        ("self",),
        ("await self._stop_consumer()", "await self.on_before_shutdown.send()"),
    ),
    Private(
        "faust.tables.recovery:Recovery.on_recovery_completed",
        "our hook runs before the seek; the flow we stop at its end is resumed after it",
        ("self", "generation_id"),
        (
            "await self.app.on_rebalance_complete.send()",
            "consumer.perform_seek()",
            "self.app.flow_control.resume()",
            "consumer.resume_flow()",
        ),
    ),
    Private(
        "faust.tables.recovery:Recovery.flush_buffers",
        "recovery hands records to the table by apply_changelog_batch, where the order decides",
        ("self",),
        ("table.apply_changelog_batch(buffer)",),
    ),
    Private("faust.tables.base:Collection.apply_changelog_batch", "overridden: the highest order wins", ("self", "batch")),
    Private(
        "faust.topics:Topic.publish_message",
        "a checkpoint's write returns after the broker's acknowledgement",
        ("self", "fut", "wait"),
        ("if wait:", "await producer.send_and_wait("),
    ),
    Private(
        "faust.types.settings.settings:Settings.getenv",
        "overridden: environment variables would override our settings",
        ("self", "env_name"),
    ),
    Private("faust.serializers.schemas:Schema.loads_value", "overridden: no decoding of chunks"),
)  # fmt: skip
