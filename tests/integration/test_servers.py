"""The servers that every integration test stands on, asked in their own protocols."""

import asyncpg
import grpc
import httpx
import redis.asyncio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from devstack.stack import Stack


async def test_postgres_is_16_and_wants_a_password(stack: Stack) -> None:
    environment = stack.environment()
    connection = await asyncpg.connect(
        environment["DICT_POSTGRES_URL"].replace("/lbpay_connect", "/postgres"),
        user="postgres",
        passfile=environment["PGPASSFILE"],
    )
    try:
        assert await connection.fetchval("show server_version") == "16.14"
        assert await connection.fetchval("show max_connections") == "200"
        method = "select distinct auth_method from pg_hba_file_rules"
        assert await connection.fetchval(method) == "scram-sha-256"
    finally:
        await connection.close()


async def test_pulsar_makes_no_topic_by_itself(stack: Stack) -> None:
    admin = stack.environment()["DICT_PULSAR_ADMIN_URL"]
    async with httpx.AsyncClient(base_url=admin, trust_env=False) as client:
        answer = await client.get("/admin/v2/brokers/configuration/runtime")
        running = answer.raise_for_status().json()
    assert running["allowAutoTopicCreation"] == "false"
    assert running["brokerDeduplicationEnabled"] == "true"
    assert "AppendIndexMetadataInterceptor" in running["brokerEntryMetadataInterceptors"]


async def test_temporal_serves_our_namespace(stack: Stack) -> None:
    environment = stack.environment()
    async with grpc.aio.insecure_channel(environment["DICT_TEMPORAL_ADDRESS"]) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest(
            service="temporal.api.workflowservice.v1.WorkflowService"
        )
        assert (await health.Check(request)).status == health_pb2.HealthCheckResponse.SERVING


async def test_redis_forgets_the_least_used_first(stack: Stack) -> None:
    client = redis.asyncio.from_url(stack.environment()["DICT_REDIS_URL"], decode_responses=True)
    async with client:
        assert (await client.config_get("maxmemory-policy")) == {"maxmemory-policy": "allkeys-lru"}
        assert (await client.info("server"))["redis_version"].startswith("7.")


def test_nothing_listens_beyond_loopback(stack: Stack) -> None:
    sockets = stack.listeners()
    assert {socket.name for socket in sockets} >= {"postgres", "pulsar", "redis", "temporal"}
    assert [socket for socket in sockets if socket.beyond_loopback] == []
