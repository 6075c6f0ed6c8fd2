# A task that is started, does one thing and ends: a migration, a job, what a schedule runs.

locals {
  # The parts of an ARN: arn, partition, service, region, account, resource.
  cluster   = split(":", var.platform.cluster_arn)
  partition = local.cluster[1]
  region    = local.cluster[3]
  account   = local.cluster[4]

  # What the program calls itself in its log and its traces.
  named     = { for name in var.platform.name[*] : "RUNG_NODE" => trimprefix(var.name, "${name}-") }
  variables = merge(local.named, { RUNG_DEADLINE_SECONDS = tostring(var.deadline_seconds) }, var.platform.environment, var.environment)

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
      stopTimeout = coalesce(var.stop_seconds, min(120, var.deadline_seconds + 5))

      environment = [for name, value in local.variables : { name = name, value = value }]
      mountPoints = concat(
        [for name, path in local.scratch : { sourceVolume = name, containerPath = path, readOnly = false }],
        [for name, system in local.shared : { sourceVolume = name, containerPath = system.path, readOnly = system.read_only }],
      )
      portMappings   = []
      systemControls = []
      volumesFrom    = []

      # A job may wait for its log: its lines are its result.
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.this.name
          awslogs-region        = local.region
          awslogs-stream-prefix = "run"
          mode                  = "blocking"
        }
      }
    },
    length(var.command) == 0 ? {} : { command = var.command },
    length(var.secrets) == 0 ? {} : { secrets = [for name, arn in var.secrets : { name = name, valueFrom = arn }] },
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

  # Old revisions stay: what was started with one can be started with it again.
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

  tags = { RunOnDeploy = tostring(var.on_deploy) }

  depends_on = [aws_iam_role_policy.execution]
}

# Without rules of its own: whom it may call are connections.
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

module "schedule" {
  source = "../scheduled_task"
  count  = var.schedule == null ? 0 : 1

  name                     = "${var.name}-schedule"
  platform                 = var.platform
  expression               = var.schedule.expression
  timezone                 = var.schedule.timezone
  max_attempts             = var.schedule.max_attempts
  maximum_age_seconds      = var.schedule.maximum_age_seconds
  enabled                  = var.schedule.enabled
  permissions_boundary_arn = var.permissions_boundary_arn

  job = {
    task_definition_arn = aws_ecs_task_definition.this.arn
    task_role_arn       = aws_iam_role.task.arn
    execution_role_arn  = aws_iam_role.execution.arn
    security_group_id   = aws_security_group.this.id
  }
}
