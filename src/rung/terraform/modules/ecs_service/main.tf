# A service or worker on Fargate: what runs, how it is replaced, and what is tried before it is called deployed.

locals {
  # The parts of an ARN: arn, partition, service, region, account, resource.
  cluster   = split(":", var.platform.cluster_arn)
  partition = local.cluster[1]
  region    = local.cluster[3]
  account   = local.cluster[4]

  # Asked with what the image has anyway. 127.0.0.1, not localhost: that may be ::1, where nobody listens.
  asking = join("", [
    "import urllib.request as r;",
    "r.urlopen('http://127.0.0.1:${coalesce(var.port, 0)}${coalesce(var.health_path, "/")}', timeout=4)",
  ])
  health_command = length(var.health_command) > 0 ? var.health_command : ["CMD", "python", "-c", local.asking]
  checked        = var.health_path != null || length(var.health_command) > 0

  # Percent of the tasks beyond the base, rounded.
  spot = floor(var.spot_share * 100 + 0.5)

  # What the program calls itself in its log and its traces.
  named = { for name in var.platform.name[*] : "RUNG_NODE" => trimprefix(var.name, "${name}-") }

  scratch = { for index, path in var.writable_paths : "scratch-${index}" => path }
  shared  = { for index, system in var.file_systems : "shared-${index}" => system }

  container = merge(
    {
      name      = "app"
      image     = var.platform.image
      essential = true
      user      = var.user

      readonlyRootFilesystem = true
      linuxParameters = {
        initProcessEnabled = true
        capabilities       = { add = [], drop = ["ALL"] }
      }
      ulimits     = [{ name = "nofile", softLimit = 65536, hardLimit = 65536 }]
      stopTimeout = var.stop_seconds

      environment = [for name, value in merge(local.named, var.platform.environment, var.environment) : { name = name, value = value }]
      mountPoints = concat(
        [for name, path in local.scratch : { sourceVolume = name, containerPath = path, readOnly = false }],
        [for name, system in local.shared : { sourceVolume = name, containerPath = system.path, readOnly = system.read_only }],
      )
      portMappings   = [for port in [var.port] : { name = "http", containerPort = port, hostPort = port, protocol = "tcp" } if port != null]
      systemControls = []
      volumesFrom    = []

      # A full buffer loses lines; a blocked one would stop the program.
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.this.name
          awslogs-region        = local.region
          awslogs-stream-prefix = "task"
          mode                  = "non-blocking"
          max-buffer-size       = "4m"
        }
      }
    },
    length(var.command) == 0 ? {} : { command = var.command },
    length(var.secrets) == 0 ? {} : { secrets = [for name, arn in var.secrets : { name = name, valueFrom = arn }] },
    local.checked ? {
      healthCheck = { command = local.health_command, interval = 10, timeout = 5, retries = 3, startPeriod = min(var.grace_seconds, 300) }
    } : {},
  )
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu * 1024
  memory                   = var.memory_mib
  task_role_arn            = aws_iam_role.task.arn
  execution_role_arn       = aws_iam_role.execution.arn
  container_definitions    = jsonencode([local.container])

  # Old revisions stay: a rollback needs one to go back to.
  skip_destroy = true

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = { arm64 = "ARM64", x86_64 = "X86_64" }[var.architecture]
  }

  dynamic "volume" {
    for_each = local.scratch

    content {
      name = volume.key
    }
  }

  dynamic "volume" {
    for_each = local.shared

    content {
      name = volume.key

      efs_volume_configuration {
        file_system_id     = volume.value.id
        transit_encryption = "ENABLED"

        authorization_config {
          access_point_id = volume.value.access_point_id
          iam             = "ENABLED"
        }
      }
    }
  }
}

resource "aws_ecs_service" "this" {
  name             = var.name
  cluster          = var.platform.cluster_arn
  task_definition  = aws_ecs_task_definition.this.arn
  desired_count    = var.min_tasks
  platform_version = "LATEST"

  # One after the other for a scheduler; for the rest the new ones are up before the old ones go.
  deployment_minimum_healthy_percent = var.role == "scheduler" ? 0 : 100
  deployment_maximum_percent         = var.role == "scheduler" ? 100 : 200
  availability_zone_rebalancing      = var.role == "scheduler" ? "DISABLED" : "ENABLED"
  health_check_grace_period_seconds  = length(var.target_group_arns) > 0 ? var.grace_seconds : null
  wait_for_steady_state              = var.wait_for_steady_state
  enable_execute_command             = var.sessions
  enable_ecs_managed_tags            = true
  propagate_tags                     = "SERVICE"

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  dynamic "alarms" {
    for_each = length(var.rollback_alarms) > 0 ? [var.rollback_alarms] : []

    content {
      alarm_names = alarms.value
      enable      = true
      rollback    = true
    }
  }

  network_configuration {
    subnets          = var.platform.subnet_ids
    security_groups  = [aws_security_group.this.id]
    assign_public_ip = var.platform.assign_public_ip
  }

  capacity_provider_strategy {
    capacity_provider = "FARGATE"
    base              = var.on_demand_base
    weight            = 100 - local.spot
  }

  dynamic "capacity_provider_strategy" {
    for_each = local.spot > 0 ? [local.spot] : []

    content {
      capacity_provider = "FARGATE_SPOT"
      weight            = capacity_provider_strategy.value
    }
  }

  dynamic "load_balancer" {
    for_each = var.target_group_arns

    content {
      target_group_arn = load_balancer.value
      container_name   = "app"
      container_port   = var.port
    }
  }

  dynamic "service_registries" {
    for_each = aws_service_discovery_service.this

    content {
      registry_arn = service_registries.value.arn
    }
  }

  lifecycle {
    # The number of tasks is the autoscaler's: an apply in the middle of a sale must not take tasks away.
    ignore_changes = [desired_count]
  }

  # A task that starts without its rights fails, and three failures roll the deployment back.
  depends_on = [aws_iam_role_policy.execution, aws_iam_role_policy.sessions]
}

# Callers ask again every ten seconds, so a task that has gone is forgotten while it still drains.
resource "aws_service_discovery_service" "this" {
  count = var.discovery == null ? 0 : 1

  name        = var.discovery.name
  description = "Tasks of ${var.name}"

  dns_config {
    namespace_id   = var.discovery.namespace_id
    routing_policy = "MULTIVALUE"

    dns_records {
      type = "A"
      ttl  = 10
    }
  }
}

# Without rules of its own: who may call it, and whom it may call, are connections.
resource "aws_security_group" "this" {
  name        = var.name
  description = "Tasks of ${var.name}"
  vpc_id      = var.platform.vpc_id

  tags = { Name = var.name }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/ecs/${var.name}"
  retention_in_days = var.platform.log_days
  kms_key_id        = var.platform.log_key_arn
}
