# The addresses from which CloudFront's requests come
data "aws_ec2_managed_prefix_list" "cloudfront" {
  name = "com.amazonaws.global.cloudfront.origin-facing"
}

# Who may talk to whom, and to which ports; what is not here is refused
module "reach" {
  source = "../modules/reach"
  name   = "shop-staging-reach"
  allowed = {
    "hosts to db"                     = [5432]
    "hosts to cache"                  = [6379]
    "expire-carts to db"              = [5432]
    "expire-reservations to db"       = [5432]
    "seed to db"                      = [5432]
    "seed to cache"                   = [6379]
    "cloudfront to load-balancer"     = [443]
    "load-balancer to hosts"          = [80]
    "db-migrate to db"                = [5432]
    "hosts to internet"               = [443]
    "hosts to s3"                     = [443]
    "db-migrate to internet"          = [443]
    "db-migrate to s3"                = [443]
    "expire-carts to internet"        = [443]
    "expire-carts to s3"              = [443]
    "expire-reservations to internet" = [443]
    "expire-reservations to s3"       = [443]
    "seed to internet"                = [443]
    "seed to s3"                      = [443]
  }
  groups = {
    hosts               = module.hosts.security_group_id
    db                  = module.db.security_group_id
    cache               = module.cache.security_group_id
    expire-carts        = module.expire_carts.security_group_id
    expire-reservations = module.expire_reservations.security_group_id
    seed                = module.seed.security_group_id
    load-balancer       = module.load_balancer.security_group_id
    db-migrate          = module.db_migrate.security_group_id
  }
  prefix_lists = {
    cloudfront = data.aws_ec2_managed_prefix_list.cloudfront.id
    s3         = module.network.s3_prefix_list_id
  }
  addresses = {
    internet = "0.0.0.0/0"
  }
}

# Several may do these alike; a key is used by way of the service whose data it encrypts, and no other
locals {
  sqs_send               = ["sqs:GetQueueAttributes", "sqs:SendMessage"]
  kms_send               = ["kms:Decrypt", "kms:GenerateDataKey"]
  through_secretsmanager = { StringEquals = { "kms:ViaService" = ["secretsmanager.eu-west-1.amazonaws.com"] } }
  through_sqs            = { StringEquals = { "kms:ViaService" = ["sqs.eu-west-1.amazonaws.com"] } }
}

# Who may do what, with the edge of the workload that asks for it
module "access" {
  source = "../modules/access"
  name   = "shop-staging"
  roles = {
    hosts               = module.hosts.role_name
    expire-carts        = module.expire_carts.task_role_name
    expire-reservations = module.expire_reservations.task_role_name
    seed                = module.seed.task_role_name
    db-migrate          = module.db_migrate.task_role_name
  }
  statements = {
    # api read db, api read session-key, api read admin-key, fulfil read db, reads which image to run (workload.py:13)
    ApiReadDbSessionKeyAdminKey = { role = "hosts", actions = ["secretsmanager:GetSecretValue"], resources = [module.db_api.arn, module.session_key.arn, module.admin_key.arn, module.db_fulfil.arn, module.release.arn] }
    # api read db, reads which image to run (workload.py:13)
    ApiReadDbKey = { role = "hosts", actions = ["kms:Decrypt"], resources = [module.keys.data_key_arn], when = local.through_secretsmanager }
    # api read cache (workload.py:13)
    ApiReadCache = { role = "hosts", actions = ["elasticache:Connect"], resources = [module.cache.arn, module.cache.user_arn] }
    # api send orders, fulfil consume orders (workload.py:13)
    ApiSendOrders = { role = "hosts", actions = local.sqs_send, resources = [module.orders_payment.arn, module.orders_fulfilment.arn, module.orders_analytics.arn, module.orders_payment.dead_letter_arn, module.orders_fulfilment.dead_letter_arn, module.orders_analytics.dead_letter_arn] }
    # api send orders (workload.py:13)
    ApiSendOrdersDeadLetters = { role = "hosts", actions = ["sqs:GetQueueAttributes"], resources = [module.orders_payment.dead_letter_arn, module.orders_fulfilment.dead_letter_arn, module.orders_analytics.dead_letter_arn] }
    ApiSendOrdersKey         = { role = "hosts", actions = local.kms_send, resources = [module.keys.data_key_arn], when = local.through_sqs }
    # fulfil consume orders (workload.py:16)
    FulfilConsumeOrders = { role = "hosts", actions = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"], resources = [module.orders_payment.arn, module.orders_fulfilment.arn, module.orders_analytics.arn] }
    # pulls the workload's image
    PullImage = { role = "hosts", actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], resources = [module.images.repository_arn] }
    # signs in to the registry; AWS knows no narrower resource
    SignInToRegistry = { role = "hosts", actions = ["ecr:GetAuthorizationToken"], resources = ["*"] }
    # Session Manager instead of an open port; AWS knows no narrower resource
    BeManaged = { role = "hosts", actions = ["ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"], resources = ["*"] }
    # disk, memory and backups, in their own namespaces alone
    PublishMetrics = { role = "hosts", actions = ["cloudwatch:PutMetricData"], resources = ["*"], when = { StringEquals = { "cloudwatch:namespace" = ["CWAgent", "rung"] } } }
    # writes the logs of its containers
    WriteLogs = { role = "hosts", actions = ["logs:CreateLogStream", "logs:PutLogEvents"], resources = ["${module.hosts.log_group_arn}:*"] }
    # expire-carts read db (workload.py:24)
    ExpireCartsReadDb    = { role = "expire-carts", actions = ["secretsmanager:GetSecretValue"], resources = [module.db_expire_carts.arn] }
    ExpireCartsReadDbKey = { role = "expire-carts", actions = ["kms:Decrypt"], resources = [module.keys.data_key_arn], when = local.through_secretsmanager }
    # expire-reservations read db (workload.py:25)
    ExpireReservationsReadDb    = { role = "expire-reservations", actions = ["secretsmanager:GetSecretValue"], resources = [module.db_expire_reservations.arn] }
    ExpireReservationsReadDbKey = { role = "expire-reservations", actions = ["kms:Decrypt"], resources = [module.keys.data_key_arn], when = local.through_secretsmanager }
    # expire-reservations send orders (workload.py:25)
    ExpireReservationsSendOrders            = { role = "expire-reservations", actions = local.sqs_send, resources = [module.orders_payment.arn, module.orders_fulfilment.arn, module.orders_analytics.arn] }
    ExpireReservationsSendOrdersDeadLetters = { role = "expire-reservations", actions = ["sqs:GetQueueAttributes"], resources = [module.orders_payment.dead_letter_arn, module.orders_fulfilment.dead_letter_arn, module.orders_analytics.dead_letter_arn] }
    ExpireReservationsSendOrdersKey         = { role = "expire-reservations", actions = local.kms_send, resources = [module.keys.data_key_arn], when = local.through_sqs }
    # seed read db (workload.py:32)
    SeedReadDb    = { role = "seed", actions = ["secretsmanager:GetSecretValue"], resources = [module.db_seed.arn] }
    SeedReadDbKey = { role = "seed", actions = ["kms:Decrypt"], resources = [module.keys.data_key_arn], when = local.through_secretsmanager }
    # seed read cache (workload.py:32)
    SeedReadCache = { role = "seed", actions = ["elasticache:Connect"], resources = [module.cache.arn, module.cache.user_arn] }
    # sets up the roles of the database and applies the migrations
    DbMigrateSecrets    = { role = "db-migrate", actions = ["secretsmanager:GetSecretValue"], resources = [module.db.master_secret_arn, module.db_api.arn, module.db_fulfil.arn, module.db_expire_carts.arn, module.db_expire_reservations.arn, module.db_seed.arn] }
    DbMigrateSecretsKey = { role = "db-migrate", actions = ["kms:Decrypt"], resources = [module.keys.data_key_arn], when = local.through_secretsmanager }
  }
}
