# Several may do these alike; a key is used by way of the service whose data it encrypts, and no other
locals {
  sqs_send                = ["sqs:GetQueueAttributes", "sqs:SendMessage"]
  secretsmanager_read_key = { arn = module.keys.data_key_arn, actions = ["kms:Decrypt"], through = "secretsmanager.${local.region}.amazonaws.com" }
  sqs_write_key           = { arn = module.keys.data_key_arn, actions = ["kms:Decrypt", "kms:GenerateDataKey"], through = "sqs.${local.region}.amazonaws.com" }
}

# Who may talk to whom, and who may do what, with what of the workload asks for it; the rest is refused
module "grants" {
  source = "../modules/grants"
  name   = "shop-prod"
  parties = [
    module.api.party, module.db.party, module.cache.party, module.fulfil.party, module.expire_carts.party,
    module.expire_reservations.party, module.seed.party, module.load_balancer.party, module.db_migrate.party,
  ]
  allowed = {
    api                 = { db = [5432], cache = [6379], vpc_endpoints = [443], s3 = [443] }
    fulfil              = { db = [5432], vpc_endpoints = [443], s3 = [443] }
    expire-carts        = { db = [5432], vpc_endpoints = [443], s3 = [443] }
    expire-reservations = { db = [5432], vpc_endpoints = [443], s3 = [443] }
    seed                = { db = [5432], cache = [6379], vpc_endpoints = [443], s3 = [443] }
    cloudfront          = { load-balancer = [443] }
    load-balancer       = { api = [8000] }
    db-migrate          = { db = [5432], vpc_endpoints = [443], s3 = [443] }
  }
  groups       = { vpc_endpoints = module.network.endpoints_security_group_id }
  prefix_lists = { s3 = module.network.s3_prefix_list_id }
  statements = {
    # api: read db, session-key, admin-key, cache; send orders (workload.py:13)
    ApiReadDbSessionKeyAdminKey = { role = "api", actions = ["secretsmanager:GetSecretValue"], resources = concat([module.db_logins.arns["api"]], values(module.secrets.arns)), key = local.secretsmanager_read_key }
    ApiReadCache                = { role = "api", actions = ["elasticache:Connect"], resources = [module.cache.arn, module.cache.user_arn] }
    ApiSendOrders               = { role = "api", actions = local.sqs_send, resources = values(module.orders.arns), key = local.sqs_write_key }
    ApiSendOrdersDeadLetters    = { role = "api", actions = ["sqs:GetQueueAttributes"], resources = values(module.orders.dead_letter_arns) }
    # fulfil: consume orders; send orders; read db (workload.py:16)
    FulfilConsumeOrders            = { role = "fulfil", actions = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"], resources = values(module.orders.arns), key = local.sqs_write_key }
    FulfilConsumeOrdersDeadLetters = { role = "fulfil", actions = local.sqs_send, resources = values(module.orders.dead_letter_arns) }
    FulfilReadDb                   = { role = "fulfil", actions = ["secretsmanager:GetSecretValue"], resources = [module.db_logins.arns["fulfil"]], key = local.secretsmanager_read_key }
    # expire-carts: read db (workload.py:24)
    ExpireCartsReadDb = { role = "expire-carts", actions = ["secretsmanager:GetSecretValue"], resources = [module.db_logins.arns["expire-carts"]], key = local.secretsmanager_read_key }
    # expire-reservations: read db; send orders (workload.py:25)
    ExpireReservationsReadDb                = { role = "expire-reservations", actions = ["secretsmanager:GetSecretValue"], resources = [module.db_logins.arns["expire-reservations"]], key = local.secretsmanager_read_key }
    ExpireReservationsSendOrders            = { role = "expire-reservations", actions = local.sqs_send, resources = values(module.orders.arns), key = local.sqs_write_key }
    ExpireReservationsSendOrdersDeadLetters = { role = "expire-reservations", actions = ["sqs:GetQueueAttributes"], resources = values(module.orders.dead_letter_arns) }
    # seed: read db, cache (workload.py:32)
    SeedReadDb    = { role = "seed", actions = ["secretsmanager:GetSecretValue"], resources = [module.db_logins.arns["seed"]], key = local.secretsmanager_read_key }
    SeedReadCache = { role = "seed", actions = ["elasticache:Connect"], resources = [module.cache.arn, module.cache.user_arn] }
    # sets up the roles of the database and applies the migrations
    DbMigrateSecrets = { role = "db-migrate", actions = ["secretsmanager:GetSecretValue"], resources = concat([module.db.master_secret_arn], values(module.db_logins.arns)), key = local.secretsmanager_read_key }
  }
}
