"""Names in AWS that other parts of FiLot, dashboards and runbooks know: fixed, so not configurable."""

#: Image repository, task family, service, container and metric dimension.
WORKER = "filot-ocr-gpu-worker"

LOG_GROUP = f"/ecs/{WORKER}"

EXECUTION_ROLE = "ecsTaskExecutionRole"
TASK_ROLE = "filot-ecs-task-role"
INSTANCE_ROLE = "filot-ecs-gpu-instance-role"

#: Auto Scaling group, launch template, security group and capacity provider. A capacity provider's name
#: must not begin with ``aws``, ``ecs`` or ``fargate``.
CAPACITY = "filot-ocr-gpu-capacity"

_READY_MADE = "arn:aws:iam::aws:policy/service-role"

#: Lets ECS pull images and write logs.
EXECUTION_POLICY = f"{_READY_MADE}/AmazonECSTaskExecutionRolePolicy"

#: Lets the ECS agent of an instance join a cluster, pull images and write logs.
INSTANCE_POLICY = f"{_READY_MADE}/AmazonEC2ContainerServiceforEC2Role"
