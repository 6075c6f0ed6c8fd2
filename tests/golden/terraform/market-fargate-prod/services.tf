# What every task is given: place, image, log and environment; below it what several are told
locals {
  platform = {
    name           = "market-prod"
    cluster_arn    = module.cluster.arn
    cluster_name   = module.cluster.name
    vpc_id         = module.network.vpc_id
    subnet_ids     = module.network.private_subnet_ids
    image          = "${module.images.repository_url}:${var.image_tag}"
    repository_arn = module.images.repository_arn
    key_arn        = module.keys.data_key_arn
    log_key_arn    = module.keys.log_key_arn
    log_days       = 365
    environment    = { RUNG_WORKLOAD = "market", RUNG_ENVIRONMENT = "prod", RUNG_LOG_FORMAT = "json" }
  }
  flow = { kind = "workflow", url = module.db.url, deadline_seconds = 86400, approval_key = module.approval_key.arn }
  db   = { kind = "postgres", url = module.db.url, pool_size = 8, statement_timeout_seconds = 5, tenant_scoped = false }
}

# images: the one image that every process runs
module "images" {
  source  = "../modules/registry"
  name    = "market-prod-images"
  key_arn = module.keys.data_key_arn
}

# cluster: where every process runs
module "cluster" {
  source      = "../modules/ecs_cluster"
  name        = "market-prod-cluster"
  log_key_arn = module.keys.log_key_arn
  namespace   = "market-prod.internal"
  vpc_id      = module.network.vpc_id
}

# events-router delivers events: calls what EventBridge does not reach (samples.py:31)
module "events_router" {
  source       = "../modules/ecs_service"
  name         = "market-prod-events-router"
  role         = "worker"
  platform     = local.platform
  command      = split(" ", "python -m rung.runtime.bus --name events --relay")
  stop_seconds = 15
  environment = {
    RUNG_BUS_RULES = jsonencode([
      {
        name            = "to-flow"
        pattern         = "{\"detail-type\": [\"paid\"]}"
        target          = { kind = "workflow", name = "flow" }
        max_attempts    = 185
        max_age_seconds = 86400
        transform       = "{\"InputPath\": \"$.detail\"}"
        arn             = module.to_flow.arn
      },
      {
        name            = "to-api"
        pattern         = "{\"detail-type\": [\"paid\"]}"
        target          = { kind = "service", name = "api", path = "/events", deadline_seconds = 2 }
        max_attempts    = 185
        max_age_seconds = 86400
        arn             = module.to_api.arn
      },
      {
        name            = "to-outside"
        pattern         = "{\"detail-type\": [\"paid\"]}"
        target          = { kind = "webhook", name = "hooks-example-com", path = "/in", deadline_seconds = 5 }
        max_attempts    = 185
        max_age_seconds = 86400
        arn             = module.to_outside.arn
      },
    ])
    RUNG_BINDING_EVENTS_DELIVERIES = jsonencode({
      kind    = "queue"
      adapter = "sqs"
      urls = {
        to-flow    = module.to_flow_deliveries.url
        to-api     = module.to_api_deliveries.url
        to-outside = module.to_outside_deliveries.url
      }
      dead_letter_urls = {
        to-flow    = module.to_flow_deliveries.dead_letter_url
        to-api     = module.to_api_deliveries.dead_letter_url
        to-outside = module.to_outside_deliveries.dead_letter_url
      }
      region                     = "eu-west-1"
      lanes                      = ["to-flow", "to-api", "to-outside"]
      max_receive_count          = 1000000
      visibility_timeout_seconds = 35
    })
    RUNG_BINDING_FLOW              = jsonencode(merge(local.flow, { credentials_secret = module.db_logins.arns["events-router"] }))
    RUNG_BINDING_API               = jsonencode({ kind = "service", url = "http://api.market-prod.internal:8000" })
    API_URL                        = "http://api.market-prod.internal:8000"
    RUNG_BINDING_HOOKS_EXAMPLE_COM = jsonencode({ kind = "external", host = "hooks.example.com", port = 443 })
  }
  max_tasks       = 2
  spot_share      = 1
  scaling         = { cpu_target = 60 }
  rollback_alarms = ["market-prod-events-router-memory-high"]
}

# db-migrate runs before a deployment: before each deployment, as the owner (samples.py:30)
module "db_migrate" {
  source   = "../modules/ecs_job"
  name     = "market-prod-db-migrate"
  platform = local.platform
  command  = ["python", "-m", "rung.runtime.migrate"]
  environment = {
    RUNG_DATABASE_SETUP = jsonencode(merge(module.db_logins.setup, { migrations = "migrations", carries = true, workflows = true }))
  }
  deadline_seconds = 1800
  on_deploy        = true
}

# flow carries runs: a safe minimum (samples.py:33)
module "flow" {
  source       = "../modules/ecs_service"
  name         = "market-prod-flow"
  role         = "worker"
  platform     = local.platform
  command      = split(" ", "python -m rung.runtime.workflow --name flow --handler market.flow:run --concurrency 100")
  cpu          = 0.5
  memory_mib   = 1024
  stop_seconds = 30
  environment = {
    RUNG_FIGURES      = "cloudwatch"
    RUNG_BINDING_DB   = jsonencode(merge(local.db, { credentials_secret = module.db_logins.arns["flow"] }))
    RUNG_BINDING_FLOW = jsonencode(merge(local.flow, { credentials_secret = module.db_logins.arns["flow"] }))
  }
  spot_share      = 1
  scaling         = { cpu_target = 60 }
  rollback_alarms = ["market-prod-flow-memory-high"]
}

# api answers requests: a safe minimum (samples.py:34)
module "api" {
  source       = "../modules/ecs_service"
  name         = "market-prod-api"
  role         = "web"
  platform     = local.platform
  command      = split(" ", "python -m rung.runtime.serve --app market.api:app --host 0.0.0.0 --port 8000 --workers 1 --name api --health /health")
  cpu          = 0.5
  memory_mib   = 1024
  port         = 8000
  health_path  = "/health"
  stop_seconds = 35
  environment = {
    RUNG_BINDING_DB = jsonencode(merge(local.db, { credentials_secret = module.db_logins.arns["api"] }))
    RUNG_BINDING_EVENTS = jsonencode({
      kind               = "bus"
      adapter            = "eventbridge"
      name               = module.events.name
      region             = "eu-west-1"
      outbox_url         = module.db.url
      credentials_secret = module.db_logins.arns["api"]
    })
  }
  discovery         = { namespace_id = module.cluster.namespace_id, name = "api" }
  target_group_arns = [module.load_balancer.target_group_arns["api"]]
  scaling           = { cpu_target = 60, memory_target = 75 }
  rollback_alarms   = ["market-prod-api-memory-high", "market-prod-api-errors", "market-prod-api-slow"]
}

# mailer takes messages: a safe minimum (samples.py:41)
module "mailer" {
  source       = "../modules/ecs_service"
  name         = "market-prod-mailer"
  role         = "worker"
  platform     = local.platform
  command      = split(" ", "python -m rung.runtime.worker --name mailer --queue mails --handler market.mail:send --concurrency 10 --deadline-seconds 25 --batch 20")
  cpu          = 0.5
  memory_mib   = 1024
  stop_seconds = 30
  environment = {
    RUNG_BINDING_MAILS = jsonencode({
      kind                       = "queue"
      adapter                    = "sqs"
      urls                       = { default = module.mails.url }
      dead_letter_urls           = { default = module.mails.dead_letter_url }
      lanes                      = ["default"]
      max_receive_count          = 5
      visibility_timeout_seconds = 30
      retention_seconds          = 345600
      retry_delay_seconds        = 1
      retry_delay_max_seconds    = 900
      region                     = "eu-west-1"
    })
  }
  spot_share      = 1
  scaling         = { backlog_target = 3000, queue_names = [module.mails.name] }
  rollback_alarms = ["market-prod-mailer-memory-high"]
}

# undertaker takes messages: a safe minimum (samples.py:42)
module "undertaker" {
  source       = "../modules/ecs_service"
  name         = "market-prod-undertaker"
  role         = "worker"
  platform     = local.platform
  command      = split(" ", "python -m rung.runtime.worker --name undertaker --queue undelivered --handler market.mail:bury --concurrency 10 --deadline-seconds 25 --batch 20")
  cpu          = 0.5
  memory_mib   = 1024
  stop_seconds = 30
  environment = {
    RUNG_BINDING_UNDELIVERED = jsonencode({
      kind                       = "queue"
      adapter                    = "sqs"
      urls                       = { default = module.undelivered.url }
      dead_letter_urls           = { default = module.undelivered.dead_letter_url }
      lanes                      = ["default"]
      max_receive_count          = 5
      visibility_timeout_seconds = 30
      retention_seconds          = 345600
      retry_delay_seconds        = 1
      retry_delay_max_seconds    = 900
      region                     = "eu-west-1"
    })
  }
  spot_share      = 1
  scaling         = { backlog_target = 3000, queue_names = [module.undelivered.name] }
  rollback_alarms = ["market-prod-undertaker-memory-high"]
}
